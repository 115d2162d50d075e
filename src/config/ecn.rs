//! Explicit congestion notification (RFC 3168, RFC 9768).

/// What a connection asks for and agrees to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EcnConfig {
    /// What the SYN of an active OPEN asks for. Default [`EcnMode::Off`]: some networks still drop
    /// a SYN that asks, and every such connection would open late.
    pub ask: EcnMode,
    /// The most that is agreed to when the SYN of a peer asks. Default [`EcnMode::Accurate`]:
    /// whatever it asks for.
    pub accept: EcnMode,
    /// How many SYNs ask, or SYN,ACKs agree to Accurate ECN, before one is sent that does not, in
    /// case a network drops those that do (RFC 3168 §6.1.1.1, RFC 9768 §3.1.4.1). From 1;
    /// `u32::MAX`: all. Default 2.
    pub attempts: u32,
    /// The same for SYNs that ask for classic ECN. Default 2; Linux has 1.
    pub classic_attempts: u32,
    /// When AccECN options are sent (RFC 9768 §3.2.3). Those that come are read in any case.
    /// Default [`EcnOptions::News`].
    pub options: EcnOptions,
    /// With Accurate ECN, everything but SYNs and resets is ECN-capable, acknowledgments and what
    /// is sent again too (RFC 8311 §4.3 lets experiments do so). Default off: new text is. Linux
    /// has it on.
    pub capable_throughout: bool,
    /// Marks reduce the window like a loss: in proportion to what arrives (RFC 9937), until
    /// something sent later is acknowledged. Default off: at once (RFC 3168 §6.1.2). Linux has it on.
    pub proportional: bool,
}

/// When an acknowledgment carries an AccECN option.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EcnOptions {
    /// Never.
    Never,
    /// When a counter has moved since the last one, with those that ever did, in the order that
    /// needs the fewest (RFC 9768 §3.2.3.3).
    #[default]
    News,
    /// Always, with all counters, that of ECT(1) first, if the peer has sent one with its SYN,ACK
    /// or in answer to ours. As Linux has it.
    Always,
}

impl EcnConfig {
    /// No ECN at all, whatever the peer asks for.
    pub const OFF: EcnConfig = EcnConfig {
        ask: EcnMode::Off,
        accept: EcnMode::Off,
        attempts: 2,
        classic_attempts: 2,
        options: EcnOptions::News,
        capable_throughout: false,
        proportional: false,
    };
}

impl Default for EcnConfig {
    fn default() -> EcnConfig {
        EcnConfig {
            accept: EcnMode::Accurate,
            ..EcnConfig::OFF
        }
    }
}

/// How the receiver tells the sender of congestion marks. In order: each knows more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EcnMode {
    /// Not at all: routers drop.
    #[default]
    Off,
    /// One bit, once a round trip (RFC 3168).
    Classic,
    /// How many marks (RFC 9768).
    Accurate,
}
