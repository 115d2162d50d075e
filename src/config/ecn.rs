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
    /// Send AccECN options (RFC 9768 §3.2.3). Those that come are read in any case. Default on.
    pub options: bool,
}

impl EcnConfig {
    /// No ECN at all, whatever the peer asks for.
    pub const OFF: EcnConfig = EcnConfig {
        ask: EcnMode::Off,
        accept: EcnMode::Off,
        attempts: 2,
        classic_attempts: 2,
        options: true,
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
