//! The `stowage` command. Exit codes: 0 fine, 1 a negative answer, 2 could not run.

use std::process::ExitCode;

fn main() -> ExitCode {
    match stowage::cli::main() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("stowage: {error:#}");
            ExitCode::from(2)
        }
    }
}
