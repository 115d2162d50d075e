//! The program `stubborn`: small services and a `nc` on the stack of the library.

use std::process::ExitCode;

mod cli;

fn main() -> ExitCode {
    cli::main()
}
