//! Arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;
use portvakt::cli;

/// Each request makes and drops many small things on several threads; with the system's allocator that is a quarter of
/// an access check.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // Every TLS connection of the process uses this one provider.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        eprintln!("portvakt: a TLS provider is installed already");
    }
    let arguments = cli::Arguments::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("portvakt: no threads can be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(cli::run(arguments)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("portvakt: {}", cli::told(&error));
            ExitCode::FAILURE
        }
    }
}
