//! Explicit congestion notification (RFC 3168, RFC 9768).

/// Which form of ECN a connection asks for and agrees to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EcnConfig {
    /// What the SYN of an active OPEN asks for. Default [`EcnMode::Off`], because some networks still drop
    /// a SYN that asks, and each such connection would open late.
    pub ask: EcnMode,
    /// The most that is agreed to when the SYN of a peer asks. Default [`EcnMode::Accurate`]:
    /// whatever it asks for.
    pub accept: EcnMode,
    /// How many SYNs ask for Accurate ECN, or SYN,ACKs agree to it, before one is sent that does not, in
    /// case a network drops those that do (RFC 3168 §6.1.1.1, RFC 9768 §3.1.4.1). At least 1;
    /// `u32::MAX`: all of them. Default 2.
    pub attempts: u32,
    /// The same for SYNs that ask for classic ECN. Default 2; Linux has 1.
    pub classic_attempts: u32,
    /// When AccECN options are sent (RFC 9768 §3.2.3). Those that arrive are always read.
    /// Default [`EcnOptions::News`].
    pub options: EcnOptions,
    /// With Accurate ECN, all segments but SYNs and resets are ECN-capable, even acknowledgments and
    /// retransmissions (RFC 8311 §4.3 allows experiments). Default off: only new text is. On in Linux.
    pub capable_throughout: bool,
    /// After a mark, the window is reduced gradually, as after a loss: in proportion to what arrives (RFC 9937), until
    /// something sent later is acknowledged. A mark that is reported once a recovery is over reduces it again. Default
    /// off: at once, and once for a window of data (RFC 3168 §6.1.2). On in Linux.
    pub proportional: bool,
    /// A SYN that asks for classic ECN, and whose own IP header says that it is capable of ECN, which RFC 3168 §6.1.1
    /// forbids, is agreed to without ECN. Default off. On in Linux.
    pub refuses_capable_syns: bool,
}

/// When an acknowledgment carries an AccECN option.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum EcnOptions {
    /// Never.
    Never,
    /// When a counter has changed since the last option; with the counters that have ever changed, in the order that
    /// needs the fewest of them (RFC 9768 §3.2.3.3).
    #[default]
    News,
    /// Always, with all counters, that of ECT(1) first, if the peer has sent the option with its SYN,ACK
    /// or in answer to ours. As in Linux.
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
        refuses_capable_syns: false,
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

/// How the receiver reports congestion marks to the sender; each mode says more than the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum EcnMode {
    /// Not at all: no ECN, so routers drop packets.
    #[default]
    Off,
    /// By one bit, once per round trip (RFC 3168).
    Classic,
    /// By the number of marks (RFC 9768).
    Accurate,
}
