//! One connection and a peer that makes every header by hand.

use std::sync::Arc;
use std::time::Duration;

use stubborn::config::TcpConfig;
use stubborn::tcp::congestion::Controllers;
use stubborn::tcp::{Discard, FastOpen, FourTuple, Open, Path, State, Tcb};
use stubborn::time::Instant;
use stubborn::wire::{Control, Ecn, Options, TcpHeader, Timestamps};

pub const SYN: Control = Control::SYN;
pub const ACK: Control = Control::ACK;
pub const FIN: Control = Control::FIN;
pub const RST: Control = Control::RST;
pub const URG: Control = Control::URG;

/// The initial sequence numbers: both spaces wrap soon.
pub const ISS: u32 = u32::MAX - 10;
pub const IRS: u32 = u32::MAX - 20;

/// A segment that the connection sent; numbers count from the SYNs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub seq: u32,
    pub ack: u32,
    pub ctl: Control,
    pub wnd: usize,
    pub options: Options,
    pub text: Vec<u8>,
}

/// A connection, and all that its peer needs.
pub struct Raw {
    pub now: Instant,
    pub tcb: Tcb,
    /// What the peer's segments carry unless a test says otherwise.
    pub window: u16,
    pub options: Options,
}

pub fn config() -> TcpConfig {
    TcpConfig {
        timestamps: false,
        window_scaling: false,
        ..TcpConfig::default()
    }
}

fn open(config: &Arc<TcpConfig>) -> Open<'_> {
    Open {
        config,
        controller: Controllers::default().find_or_default(config.congestion_control),
        tuple: FourTuple {
            local: "10.0.0.1:80".parse().unwrap(),
            remote: "10.0.0.2:50000".parse().unwrap(),
        },
        path: Path::new(1500, false),
        iss: ISS,
        timestamp_offset: 7,
        defer_accept: None,
        is_answered: false,
        fast_open: FastOpen::default(),
    }
}

impl Raw {
    /// SYN-SENT, the SYN not yet sent.
    pub fn active(config: &TcpConfig) -> Raw {
        let (now, config) = (Instant::from_secs(1000), Arc::new(config.clone()));
        Raw::with(now, Tcb::open_active(now, &open(&config)))
    }

    /// SYN-RECEIVED, the SYN,ACK not yet sent.
    pub fn passive(config: &TcpConfig, options: Options) -> Raw {
        let (now, config) = (Instant::from_secs(1000), Arc::new(config.clone()));
        let mut raw = Raw::with(now, Tcb::open_active(now, &open(&config)));
        raw.options = options;
        let syn = raw.header(SYN, 0, 0);
        raw.tcb = Tcb::open_passive(now, &open(&config), Ecn::NotEct, &syn);
        raw
    }

    /// ESTABLISHED.
    pub fn established(config: &TcpConfig) -> Raw {
        let options = Options {
            mss: Some(1460),
            sack_permitted: true,
            timestamps: config.timestamps.then_some(Timestamps { val: 1, ecr: 0 }),
            ..Options::default()
        };
        let mut raw = Raw::passive(config, options);
        raw.sent();
        raw.options = Options::default();
        raw.options.timestamps = options.timestamps;
        raw.arrives(ACK, 1, 1, b"");
        assert_eq!(raw.tcb.state(), State::Established);
        raw
    }

    fn with(now: Instant, tcb: Tcb) -> Raw {
        Raw {
            now,
            tcb,
            window: 60_000,
            options: Options::default(),
        }
    }

    pub fn header(&self, control: Control, seq: u32, ack: u32) -> TcpHeader {
        TcpHeader {
            source_port: 50_000,
            destination_port: 80,
            seq: IRS.wrapping_add(seq),
            ack: ISS.wrapping_add(ack),
            control,
            window: self.window,
            urgent: 0,
            options: self.options,
        }
    }

    /// A segment arrives, its numbers counted from the SYNs.
    pub fn arrives(
        &mut self,
        control: Control,
        seq: u32,
        ack: u32,
        text: &[u8],
    ) -> Option<Discard> {
        self.urgent_arrives(control, seq, ack, 0, text)
    }

    /// A segment arrives, with an urgent pointer.
    pub fn urgent_arrives(
        &mut self,
        control: Control,
        seq: u32,
        ack: u32,
        urgent: u16,
        text: &[u8],
    ) -> Option<Discard> {
        let header = TcpHeader {
            urgent,
            ..self.header(control, seq, ack)
        };
        let discard = self
            .tcb
            .segment_arrives(self.now, Ecn::NotEct, &header, text);
        self.tcb.check().unwrap();
        discard
    }

    /// All that leaves now.
    pub fn sent(&mut self) -> Vec<Sent> {
        let mut all = Vec::new();
        while let Some(segment) = self.tcb.poll_transmit(self.now) {
            all.push(Sent {
                seq: segment.seq.wire().wrapping_sub(ISS),
                ack: segment.ack.map_or(0, |ack| ack.wire().wrapping_sub(IRS)),
                ctl: segment.ctl,
                wnd: segment.wnd,
                options: segment.options,
                text: segment.text.to_vec(),
            });
            assert!(all.len() < 10_000, "no end: {:?}", all.last());
        }
        self.tcb.check().unwrap();
        all
    }

    /// Time passes; what falls due happens, and what is sent is given back.
    pub fn passes(&mut self, time: Duration) -> Vec<Sent> {
        let end = self.now + time;
        let mut all = self.sent();
        while let Some(due) = self.tcb.next_deadline().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.tcb.handle_timeouts(self.now);
            all.extend(self.sent());
        }
        self.now = end;
        all
    }
}
