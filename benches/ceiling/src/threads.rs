//! The same with a user in a thread of its own behind each flow, as a sockets API has it: one
//! thread reads the interface and hands over each packet to the thread of its connection, which
//! copies the text, acknowledges it or sends.

use std::collections::HashMap;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use anyhow::Result;
use bench_tun::Queue;

use crate::flow::{Flow, PATIENCE};
use crate::manner::Manner;
use crate::segment::{Arrived, RST, SYN};
use crate::{ECHO, LONGEST, Patience, discard, echo};

/// Threads of the echo, each for some of the connections: as many as there are clients at once.
const WORKERS: u16 = 8;

/// A packet with what stands before it.
struct Packet {
    memory: Vec<u8>,
    length: usize,
}

/// What all threads use.
struct Shared {
    queue: Queue,
    /// Memory for packets; the last that came back is used first, for the cache still knows it.
    spare: Mutex<Vec<Vec<u8>>>,
}

impl Shared {
    fn memory(&self) -> Vec<u8> {
        let spare = self.spare.lock().expect("nobody panics with it").pop();
        spare.unwrap_or_else(|| vec![0; LONGEST])
    }

    fn give_back(&self, packet: Packet) {
        let mut spare = self.spare.lock().expect("nobody panics with it");
        spare.push(packet.memory);
    }

    fn parse<'a>(&self, packet: &'a Packet) -> Option<Arrived<'a>> {
        Arrived::parse(&packet.memory[self.queue.kind().header()..packet.length])
    }
}

/// Serves until the interface is gone.
pub fn serve(queue: Queue, manner: Manner) -> Result<()> {
    let spare = Mutex::new(Vec::new());
    let shared = Arc::new(Shared { queue, spare });
    let workers: Vec<_> = (0..WORKERS).map(|_| start(&shared, echo_alone)).collect();
    let mut flows: HashMap<u16, Sender<Packet>> = HashMap::new();
    let mut patience = Patience::new();
    loop {
        let mut memory = shared.memory();
        let length = loop {
            match shared.queue.receive(&mut memory)? {
                Some(length) => break length,
                None if patience.is_at_its_end() => {
                    shared.queue.wait(bench_tun::Timeout::NONE)?;
                }
                None => {}
            }
        };
        patience.renew();
        let packet = Packet { memory, length };
        let Some(arrived) = shared.parse(&packet) else {
            continue;
        };
        let from = arrived.from.port;
        if arrived.has(SYN) {
            if let Some(flow) = Flow::new(&manner, &arrived) {
                flows.insert(
                    from,
                    start(&shared, |shared, packets| run(shared, packets, flow)),
                );
            }
            echo::greet(&shared.queue, &arrived, discard::window(&manner))?;
        } else if arrived.has(RST) {
            flows.remove(&from);
        } else if arrived.to.port == ECHO {
            // The kernel's ports are all even, or all odd.
            let worker = usize::from(from / 2 % WORKERS);
            if echo::is_answered(&arrived) {
                let _ = workers[worker].send(packet);
                continue;
            }
        } else if let Some(flow) = flows.get(&from) {
            // A thread that has failed has said so.
            let _ = flow.send(packet);
            continue;
        }
        shared.give_back(packet);
    }
}

/// Starts a thread, and gives what hands packets over to it. It ends when that is dropped.
fn start<W>(shared: &Arc<Shared>, work: W) -> Sender<Packet>
where
    W: FnOnce(&Shared, Receiver<Packet>) -> io::Result<()> + Send + 'static,
{
    let (sender, receiver) = channel();
    let shared = Arc::clone(shared);
    thread::spawn(move || {
        if let Err(error) = work(&shared, receiver) {
            eprintln!("ceiling: {error}");
        }
    });
    sender
}

/// Answers whatever comes.
fn echo_alone(shared: &Shared, packets: Receiver<Packet>) -> io::Result<()> {
    for packet in packets {
        if let Some(arrived) = shared.parse(&packet) {
            echo::echo(&shared.queue, &arrived)?;
        }
        shared.give_back(packet);
    }
    Ok(())
}

/// One flow.
fn run(shared: &Shared, packets: Receiver<Packet>, mut flow: Flow) -> io::Result<()> {
    let queue = &shared.queue;
    loop {
        let next = match packets.try_recv() {
            Ok(packet) => Ok(packet),
            Err(_) if flow.send(queue)? => continue,
            Err(_) => {
                flow.pause(queue)?;
                packets.recv_timeout(PATIENCE)
            }
        };
        match next {
            Ok(packet) => {
                if let Some(arrived) = shared.parse(&packet) {
                    flow.take(queue, &arrived)?;
                }
                shared.give_back(packet);
            }
            Err(RecvTimeoutError::Timeout) => flow.stalled(),
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}
