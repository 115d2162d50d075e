//! The `stubborn` program, from its command line to its exit status. It uses only the public
//! interface of the library.
//!
//! | file | what it does |
//! |---|---|
//! | `args` | the command line and `--help` |
//! | `host` | opens the interface and starts the stack on it |
//! | `server` | accepts connections and gives each to a service |
//! | `services` | echo, discard and chargen: RFC 862, 863 and 864 |
//! | `netcat` | `listen` and `connect`: one connection between a peer and standard input and output |
//! | `sim` | worlds of a scenario, one for each seed |
//! | `check` | the model checker: every state, and what was found |
//! | `link` | a path between two TUN interfaces, on the real clock |
//! | `drill` | packetdrill scripts, which state what TCP does |
//! | `udp` | the services and `nc` over UDP |
//! | `ping` | echo requests, and what becomes of them |
//! | `tally` | what was served, counted |
//! | `interrupt` | Ctrl-C and SIGTERM |
//! | `output` | standard output and standard error |
//! | `units` | values with units |

mod args;
mod check;
mod drill;
mod host;
mod interrupt;
mod link;
mod netcat;
mod output;
mod ping;
mod server;
mod services;
mod sim;
mod tally;
mod udp;
mod units;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use args::{Args, Command, TransportArgs};
use services::Service;

/// Exit status of a command line that cannot be understood.
const USAGE: u8 = 2;

/// Runs the program.
pub(crate) fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return explain(&error),
    };
    start_logging(args.verbose);
    match run(&args.command) {
        Ok(status) => status,
        Err(error) => {
            output::complain(format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Ping(args) => return ping::run(args),
        Command::Echo(args) => serve(Service::Echo, args),
        Command::Discard(args) => serve(Service::Discard, args),
        Command::Chargen(args) => server::run(Service::Chargen, args),
        Command::Listen(args) if args.udp => udp::listen(args),
        Command::Listen(args) => netcat::listen(args),
        Command::Connect(args) if args.udp => udp::connect(args),
        Command::Connect(args) => netcat::connect(args),
        Command::Sim(args) => sim::run(args),
        Command::Check(args) => check::run(args),
        Command::Drill(args) => drill::run(args),
        Command::Link(args) => link::run(args),
    }?;
    Ok(ExitCode::SUCCESS)
}

fn serve(service: Service, args: &TransportArgs) -> anyhow::Result<()> {
    match args.udp {
        true => udp::run(service, &args.service),
        false => server::run(service, &args.service),
    }
}

/// Logs warnings, and more for each `-v`; `RUST_LOG` overrides both.
fn start_logging(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    };
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or(level))
        .format_target(false)
        .format_timestamp_micros()
        .init();
}

/// Prints the help if it was asked for, and one line if the command line is wrong.
fn explain(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => match output::print(error) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                output::complain(format_args!("{error:#}"));
                ExitCode::FAILURE
            }
        },
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            // If even the help cannot be shown, nothing is left to do.
            let _ = error.print();
            ExitCode::from(USAGE)
        }
        _ => {
            let help = help_for(std::env::args().skip(1));
            output::complain(format_args!("{}: try `{help}`", one_line(error)));
            ExitCode::from(USAGE)
        }
    }
}

/// The command to type for help, given the words of a command line: if they name a command, its own help.
fn help_for(words: impl Iterator<Item = String>) -> String {
    let (mut command, mut line) = (Args::command(), "stubborn".to_owned());
    for word in words {
        let Some(next) = command.find_subcommand(&word) else {
            break;
        };
        (command, line) = (next.clone(), format!("{line} {word}"));
    }
    line + " --help"
}

/// clap's message on one line, without the usage and the colours.
fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let words = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
        // This tip tells how to pass an option as a value, which is never what was meant.
        .filter(|line| !line.is_empty() && !line.starts_with("tip: to pass "))
        .collect::<Vec<_>>()
        .join(" ");
    words.trim_start_matches("error: ").replace(" tip: ", ": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(line: &str) -> String {
        let error = Args::try_parse_from(line.split_whitespace()).unwrap_err();
        one_line(&error)
    }

    /// Wrong command lines, and the message for each.
    const COMPLAINTS: [(&str, &str); 26] = [
        (
            "stubborn echo --tun t0",
            "the following required arguments were not provided: --ip <ADDR>",
        ),
        (
            "stubborn echo --tun t0 --ip 10.0.0",
            "invalid value '10.0.0' for '--ip <ADDR>': not an IP address such as 10.11.12.2 \
             or fd00:5eed::2",
        ),
        (
            "stubborn echo --tun t0 --ip 10.0.0.2/24",
            "invalid value '10.0.0.2/24' for '--ip <ADDR>': give the address alone, without a \
             prefix length (which belongs to --up, the kernel's end)",
        ),
        (
            "stubborn connect --tun t0 --ip 10.0.0.2 localhost 80",
            "invalid value 'localhost' for '<HOST>': not an IP address, and names are not \
             looked up: give an address such as 10.11.12.1 or fd00:5eed::1",
        ),
        (
            "stubborn ping --tun t0 --ip 10.0.0.2",
            "the following required arguments were not provided: <HOST>",
        ),
        (
            "stubborn ping --tun t0 --ip 10.0.0.2 10.0.0.1 -c 0",
            "invalid value '0' for '--count <N>': not a number of requests, of which there is one at least",
        ),
        (
            "stubborn ping --tun t0 --ip 10.0.0.2 10.0.0.1 -t 256",
            "invalid value '256' for '--ttl <HOPS>': not a number of hops from 1 to 255",
        ),
        (
            "stubborn ping --tun t0 --ip 10.0.0.2 10.0.0.1 -t 0",
            "invalid value '0' for '--ttl <HOPS>': not a number of hops from 1 to 255",
        ),
        (
            "stubborn ping --tun t0 --ip 10.0.0.2 10.0.0.1 -s 65528",
            "invalid value '65528' for '--size <OCTETS>': not a number of octets from 0 to 65527",
        ),
        (
            "stubborn ping --tun t0 --ip 10.0.0.2 10.0.0.1 -i 0.001",
            "invalid value '0.001' for '--interval <SECONDS>': not a time in seconds such as 1 or 0.5, and 0.002 at least",
        ),
        (
            "stubborn echo --tun t0 --ip 10.0.0.2 --up 10.0.0.1/33",
            "invalid value '10.0.0.1/33' for '--up <CIDR>': a prefix length of 33 is above 32",
        ),
        (
            "stubborn ehco",
            "unrecognized subcommand 'ehco': a similar subcommand exists: 'echo'",
        ),
        (
            "stubborn echo --tun t0 --ip ::1",
            "invalid value '::1' for '--ip <ADDR>': a loopback address never leaves the \
             kernel: use one of the interface's network",
        ),
        (
            "stubborn echo --tun t0 --ip 224.0.0.1",
            "invalid value '224.0.0.1' for '--ip <ADDR>': no host has this address: use one of \
             the interface's network, such as 10.11.12.2 or fd00:5eed::2",
        ),
        (
            "stubborn connect --tun t0 --ip 10.0.0.2 10.0.0.1 0",
            "invalid value '0' for '<PORT>': not a port: a number from 1 to 65535",
        ),
        (
            "stubborn connect -u --timeout 3 --tun t0 --ip 10.0.0.2 10.0.0.1 9",
            "the argument '--udp' cannot be used with '--timeout <SECONDS>'",
        ),
        (
            "stubborn connect --timeout -1 --tun t0 --ip 10.0.0.2 10.0.0.1 9",
            "invalid value '-1' for '--timeout <SECONDS>': not a time in seconds such as 5 or \
             0.5",
        ),
        (
            "stubborn drill -D =1 a.pkt",
            "invalid value '=1' for '--define <NAME=VALUE>': there is no name: write NAME or \
             NAME=VALUE",
        ),
        (
            "stubborn sim lossy --replay x",
            "invalid value 'x' for '--replay <SEED>': not a seed: a number such as 42, below 2^64",
        ),
        (
            "stubborn sim lossy --replay -1",
            "invalid value '-1' for '--replay <SEED>': not a seed: a number such as 42, below 2^64",
        ),
        (
            "stubborn sim plot lossy --seed -1",
            "invalid value '-1' for '--seed <N>': not a seed: a number such as 42, below 2^64",
        ),
        (
            "stubborn link --tun a0 --tun b0 --seed x",
            "invalid value 'x' for '--seed <N>': not a seed: a number such as 42, below 2^64",
        ),
        (
            "stubborn sim lossy --seeds 0..18446744073709551616",
            "invalid value '0..18446744073709551616' for '--seeds <A..B>': not a range of seeds \
             such as 0..1000, below 2^64",
        ),
        (
            "stubborn sim lossy --xyz",
            "unexpected argument '--xyz' found",
        ),
        (
            "stubborn chargen -u --tun t0 --ip 10.0.0.2",
            "unexpected argument '-u' found",
        ),
        (
            "stubborn listen --tun t0 --ip 10.0.0.2 70000",
            "invalid value '70000' for '<PORT>': not a port: a number from 0 to 65535",
        ),
    ];

    /// The message names the help of the command whose arguments were wrong, not the list of
    /// commands.
    #[test]
    fn the_help_is_that_of_the_command() {
        for (line, expected) in [
            ("", "stubborn --help"),
            ("ehco --tun t0", "stubborn --help"),
            ("listen --tun t0", "stubborn listen --help"),
            ("sim lossy --xyz", "stubborn sim --help"),
            ("sim plot lossy --xyz", "stubborn sim plot --help"),
        ] {
            let words = line.split_whitespace().map(str::to_owned);
            assert_eq!(help_for(words), expected, "{line}");
        }
    }

    #[test]
    fn a_wrong_command_line_is_explained_in_one_line() {
        for (line, expected) in COMPLAINTS {
            assert_eq!(complaint(line), expected, "{line}");
        }
    }
}
