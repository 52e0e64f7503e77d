//! `portvakt mail …`: try the way out, see what became of letters, take what came back.
//!
//! Invariant: `bounce` reads what a mail system sends as it is, so that an alias, a rule or a script can hand it over.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Subcommand, ValueEnum};

use super::shown::{Shown, json, minute, table};
use super::{PrintAs, exit, setup};
use crate::flows::Ports;
use crate::flows::post::{self, LetterState, LetterView};

/// Longest message that is read, in bytes: reports often hold the whole letter.
const LONGEST: u64 = 4 * 1024 * 1024;

/// Which letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Which {
    /// Those that did not arrive: refused, failed, come back.
    Troubles,
    /// Those that wait.
    Waiting,
    /// Those that went.
    Sent,
    /// All of them.
    All,
}

impl Which {
    fn states(self) -> &'static [LetterState] {
        match self {
            Self::Troubles => &[LetterState::Refused, LetterState::Failed, LetterState::Bounced],
            Self::Waiting => &[LetterState::Waiting, LetterState::Sending],
            Self::Sent => &[LetterState::Sent],
            Self::All => &LetterState::ALL,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum MailCommand {
    /// Send a letter to an address, to see whether mail is set up. Exit code 1: the mail server did not take it.
    Test {
        /// The address.
        address: String,
    },
    /// List letters: what did not arrive, what waits, what went.
    List {
        /// Which letters.
        #[arg(long, value_enum, default_value_t = Which::Troubles)]
        which: Which,
        /// Of the last so many days.
        #[arg(long, default_value_t = 30, value_name = "DAYS")]
        days: u16,
        #[command(flatten)]
        shown: Shown,
    },
    /// Take reports about letters that could not be delivered (RFC 3464): from standard input, from files, or from the
    /// files of a folder. A notice that came back does not count.
    Bounce {
        /// Messages, or folders of messages (such as the folder new of a Maildir). Without any: one message from standard input.
        messages: Vec<PathBuf>,
    },
}

pub(super) async fn run(config: &Path, command: MailCommand) -> anyhow::Result<ExitCode> {
    let ports = setup::open(config).await?;
    let code = match command {
        MailCommand::Test { address } => {
            let id = post::try_out(&ports, &setup::act(&ports, "command"), &address).await?;
            println!("sent: {id}");
            exit::DONE
        }
        MailCommand::List { which, days, shown } => {
            let letters = post::letters(&ports, which.states(), i64::from(days), 1000).await?;
            list(&ports, &letters, &shown).await?;
            exit::DONE
        }
        MailCommand::Bounce { messages } => bounce(&ports, &messages).await?,
    };
    ports.db.close().await;
    Ok(code)
}

async fn list(ports: &Ports, letters: &[LetterView], shown: &Shown) -> anyhow::Result<()> {
    if shown.format == PrintAs::Json {
        return json(letters);
    }
    let reading = shown.reading(ports).await;
    let titles = [
        reading.pick("Skrivet", "Written"),
        reading.pick("Slag", "Kind"),
        reading.pick("Gäller", "About"),
        reading.pick("Till", "To"),
        reading.pick("Läge", "State"),
        reading.pick("Försök", "Attempts"),
        reading.pick("Svar", "Answer"),
    ];
    let rows = letters.iter().map(|one| {
        vec![
            minute(one.queued_at, &reading),
            one.kind.clone(),
            one.about.clone().unwrap_or_default(),
            one.address.clone().unwrap_or_default(),
            one.state.to_owned(),
            one.attempts.to_string(),
            one.said.clone().unwrap_or_default(),
        ]
    });
    table(&titles, rows);
    Ok(())
}

/// Takes each message by itself: one that is no report keeps no other from being taken.
async fn bounce(ports: &Ports, messages: &[PathBuf]) -> anyhow::Result<ExitCode> {
    if messages.is_empty() {
        let mut message = Vec::new();
        std::io::stdin().lock().take(LONGEST).read_to_end(&mut message).context("standard input")?;
        return Ok(if take(ports, "-", &message).await { exit::DONE } else { exit::refused() });
    }
    let mut is_well = true;
    for file in files(messages)? {
        let name = file.display().to_string();
        let mut message = Vec::new();
        let opened = std::fs::File::open(&file).with_context(|| name.clone())?;
        opened.take(LONGEST).read_to_end(&mut message).with_context(|| name.clone())?;
        is_well &= take(ports, &name, &message).await;
    }
    Ok(if is_well { exit::DONE } else { exit::refused() })
}

fn files(named: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in named {
        if path.is_dir() {
            let mut inside = Vec::new();
            for entry in std::fs::read_dir(path).with_context(|| path.display().to_string())? {
                let entry = entry?.path();
                if entry.is_file() {
                    inside.push(entry);
                }
            }
            inside.sort();
            files.extend(inside);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

async fn take(ports: &Ports, name: &str, message: &[u8]) -> bool {
    match post::returned(ports, &setup::act(ports, "bounce"), message).await {
        Ok(returned) => {
            match returned.letter {
                Some(id) if returned.is_notice_void => {
                    println!("{name}: {id} ({}) came back; the notice does not count", returned.kind);
                }
                Some(id) => println!("{name}: {id} ({}) came back", returned.kind),
                None => println!("{name}: none of our letters"),
            }
            true
        }
        Err(refusal) => {
            eprintln!("{name}: {refusal}");
            false
        }
    }
}
