//! The load driver: starts a daemon on a scratch database, measures it, and prints every figure beside what the machine
//! and the engine can do in the same run.
//!
//! ```text
//! load --binary target/release/portvakt [--database postgres://…] [--people 100000] [--only get,filter] [--seconds 5]
//! ```
//!
//! Invariant: every answer is checked for status, id and content, and writes are read back; an untrue answer makes the
//! exit code 1. What was started is ended and what was made is removed, on errors too.

mod changes;
mod client;
mod console;
mod decisions;
mod delivery;
mod engine;
mod groups;
mod hello;
mod items;
mod lifecycle;
mod lists;
mod measure;
mod people;
mod place;
mod process;
mod requests;
mod rows;
mod sso;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use clap::{Parser, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};

use delivery::Deliveries;
use engine::Engine;
use groups::Groups;
use hello::Hello;
use lifecycle::Lifecycle;
use measure::count;
use people::Wire;
use place::{Daemon, Scratch};
use requests::Kind;
use rows::Bed;
use table::{Aim, Row, Table};

/// Measures a daemon that it starts itself.
#[derive(Debug, Clone, Parser)]
#[command(name = "load", max_term_width = 110)]
struct Arguments {
    /// The program to measure.
    #[arg(long, default_value = "target/release/portvakt")]
    binary: PathBuf,
    /// A PostgreSQL whose role may create databases; without it, SQLite.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Where the scratch folder is made. It must be on a disk: memory forgets.
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    folder: PathBuf,
    /// People in the directory.
    #[arg(long, default_value_t = 100_000)]
    people: usize,
    /// Items among which somebody searches for their own.
    #[arg(long, default_value_t = 100_000)]
    items: usize,
    /// Only these measurements.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// How long each of them takes, for each of the things that it compares.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Connections at once.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// The CRM takes what it is told; otherwise it is switched off, and what it is to be told only waits.
    #[arg(long)]
    deliver: bool,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Only serve the empty handler on this port (0: any), and print the port.
    #[arg(long, value_name = "PORT")]
    serve_hello: Option<u16>,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// What the machine and the engine can do.
    Probes,
    /// Memory: idle, and with everybody.
    Memory,
    /// GET by id, and its processor time.
    Get,
    /// Filters on userName and externalId.
    Filter,
    /// Pages of a long list.
    List,
    /// Access checks.
    Access,
    /// Items that somebody sees, among many.
    Search,
    /// Everybody, as a CRM reads them that asks for itself.
    Changes,
    /// The console's list of people, narrowed.
    Console,
    /// What a new policy would change, thought through for everybody.
    Plan,
    /// Everybody as JSON and CSV, and the memory for it.
    Reports,
    /// A proxy that asks who is there.
    Verify,
    /// Sign-ins, whole.
    SignIn,
    /// Durable creates.
    Create,
    /// Durable PATCH of active.
    Active,
    /// Durable PATCH of title.
    Title,
    /// Durable writes from one connection.
    Single,
    /// Everything together.
    Mixed,
    /// A group that grows to 20,000, and one member removed from it.
    Group,
    /// Ten thousand who come to a role at once, and what others wait for meanwhile.
    Crowd,
    /// PUT of a group of 100,000, and one member of it.
    Put,
    /// Deliveries to a CRM, and what a long queue of them costs others. Not with --deliver.
    Drain,
    /// A lifecycle plan over everybody, and a run that closes ten thousand.
    Lifecycle,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(port) = arguments.serve_hello {
        return ended(hello::serve(port).await.map(|()| ExitCode::SUCCESS));
    }
    ended(run(&arguments).await)
}

fn ended(result: anyhow::Result<ExitCode>) -> ExitCode {
    result.unwrap_or_else(|error| {
        eprintln!("load: {error:#}");
        ExitCode::FAILURE
    })
}

async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let scratch = Scratch::new(&arguments.folder, arguments.database.as_deref()).await?;
    let mut table = Table { head: String::new(), rows: Vec::new() };
    let result = tokio::select! {
        result = measured(arguments, &scratch, &mut table) => result,
        _ = terminate.recv() => Err(anyhow::anyhow!("told to end")),
        _ = interrupt.recv() => Err(anyhow::anyhow!("interrupted")),
    };
    let removed = scratch.remove().await;
    if arguments.json {
        println!("{}", table.json());
    } else {
        println!("{}", table.text());
    }
    result?;
    removed?;
    Ok(if table.wrong() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Everything between the making and the removing of the scratch.
async fn measured(arguments: &Arguments, scratch: &Scratch, table: &mut Table) -> anyhow::Result<()> {
    ensure!(arguments.connections > 0 && arguments.people >= arguments.connections, "too few people");
    let hello = Hello::start()?;
    let engine = match &arguments.database {
        None => Engine::sqlite(&scratch.folder)?,
        Some(_) => Engine::postgres(&scratch.database, arguments.connections).await?,
    };
    let hook = format!("http://{}/hook{}", hello.address, if arguments.deliver { "" } else { "/gone" });
    let issuer = format!("http://{}/oidc", hello.address);
    let daemon = Daemon::start(&arguments.binary, scratch, &hook, &issuer).await?;
    table.head = format!(
        "{}; {} processors; {} people, {} connections, {} s for each; the CRM is {}",
        engine.describe().await?,
        std::thread::available_parallelism()?,
        arguments.people,
        arguments.connections,
        arguments.seconds,
        if arguments.deliver { "told" } else { "switched off" },
    );
    let result = rows(arguments, scratch, (&daemon, &hello, &engine), table).await;
    engine.close().await;
    result.with_context(|| daemon.last_words())?;
    if !daemon.end()? {
        bail!("the daemon did not end in order");
    }
    Ok(())
}

async fn rows(
    arguments: &Arguments,
    scratch: &Scratch,
    (daemon, hello, engine): (&Daemon, &Hello, &Engine),
    table: &mut Table,
) -> anyhow::Result<()> {
    let wanted = |part| arguments.only.is_empty() || arguments.only.contains(&part);
    let rows = &mut table.rows;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let idle = process::memory(daemon.pid())?;
    let began = Instant::now();
    let wire = people::fill(Wire::new(daemon, arguments.connections), arguments.people).await?;
    let filled = count(arguments.people as u64) / began.elapsed().as_secs_f64();
    eprintln!("load: {} people were created, {filled:.0} a second", arguments.people);
    if wanted(Part::Memory) {
        let full = process::memory(daemon.pid())?;
        rows.push(Row::new("memory", "memory idle", idle.now, "MiB").aim(Aim::AtMost(30.0)));
        rows.push(
            Row::new("memory", format!("memory with {} people", arguments.people), full.now, "MiB")
                .aim(Aim::AtMost(120.0))
                .note(format!("at most {:.0} while they came, {filled:.0} a second", full.peak)),
        );
    }
    let time = Duration::try_from_secs_f64(arguments.seconds)?;
    let wire = Arc::new(wire);
    let bed =
        Bed { wire: Arc::clone(&wire), hello: (hello.address, hello.pid()), engine: engine.clone(), time };
    for part in Part::value_variants().iter().copied().filter(|part| wanted(*part)) {
        eprintln!("load: {part:?}");
        match part {
            Part::Memory => {}
            Part::Probes => rows.extend(bed.probes().await?),
            Part::Get => rows.extend(bed.get().await?),
            Part::Filter => rows.extend(bed.filter().await?),
            Part::List => rows.extend(lists::pages(&wire).await?),
            Part::Access => rows.extend(bed.access().await?),
            Part::Search => rows.extend(items::search(&wire, arguments.items).await?),
            Part::Changes => rows.extend(changes::read(&wire).await?),
            Part::Console => rows.extend(console::list(&wire).await?),
            Part::Plan => rows.push(decisions::plan(&arguments.binary, scratch, wire.people.len())?),
            Part::Reports => rows.extend(lifecycle(arguments, scratch, &wire).reports().await?),
            Part::Verify => rows.extend(bed.verify().await?),
            Part::SignIn => rows.extend(bed.sign_in().await?),
            Part::Create => rows.extend(bed.writes("create", "durable create", Kind::Create, 0.15).await?),
            Part::Active => {
                rows.extend(bed.writes("active", "durable PATCH active", Kind::PatchActive, 0.25).await?);
            }
            Part::Title => {
                rows.extend(bed.writes("title", "durable PATCH title", Kind::PatchTitle, 0.25).await?);
            }
            Part::Single => rows.extend(bed.single().await?),
            Part::Mixed => rows.extend(bed.mixed().await?),
            Part::Group => rows.extend(Groups::new(&wire).one_that_grows().await?),
            Part::Crowd => rows.push(Groups::new(&wire).crowd().await?),
            Part::Put => rows.extend(Groups::new(&wire).one_of_everybody().await?),
            Part::Drain if arguments.deliver => {}
            Part::Drain => {
                let (binary, crm) = (arguments.binary.as_path(), hello.address);
                rows.extend(Deliveries { binary, scratch, wire: &wire, crm, time }.rows().await?);
            }
            Part::Lifecycle => rows.extend(lifecycle(arguments, scratch, &wire).rows(&bed).await?),
        }
    }
    Ok(())
}

/// The lifecycle of the daemon's people.
fn lifecycle<'l>(arguments: &'l Arguments, scratch: &'l Scratch, wire: &'l Arc<Wire>) -> Lifecycle<'l> {
    Lifecycle { binary: &arguments.binary, scratch, wire }
}
