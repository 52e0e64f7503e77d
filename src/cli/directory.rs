//! `portvakt directory …`: connections to identity providers.
//!
//! Invariant: `token create` prints the token and nothing else on standard output; a secret is printed once, when it is
//! made, and a private key never. `list` and `show` read the database alone.

mod print;

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::shown::{self, Shown};
use super::{PrintAs, exit, setup, tokens as lists};
use crate::domain::language::Text;
use crate::flows::tokens::{self, TokenKind, client};
use crate::flows::{Ports, directories};

#[derive(Debug, Subcommand)]
pub(super) enum DirectoryCommand {
    /// Tokens for SCIM.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Print the public half of the key that Portvakt proves itself with there, to be registered at the provider.
    Key {
        /// The directory, as the settings name it.
        directory: String,
    },
    /// OAuth 2.0 clients, which get access tokens of an hour (client credentials).
    #[command(subcommand)]
    Client(ClientCommand),
    /// How every directory stands, in a line each.
    List(Shown),
    /// Everything about one directory: what it did last, tokens, counts, repairs, what waits and what was refused.
    Show {
        /// The directory, as the settings name it.
        directory: String,
        #[command(flatten)]
        shown: Shown,
    },
    /// Turn a directory's provisioning away for now: every request, reads included, is answered 503. Sign-in goes on.
    Pause {
        /// The directory, as the settings name it.
        directory: String,
        /// Why, in a few words.
        #[arg(long)]
        reason: String,
    },
    /// Let a paused directory in again.
    Resume {
        /// The directory, as the settings name it.
        directory: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token that the identity provider pushes with. Only the token is printed, and only now.
    Create {
        /// The directory, as the settings name it.
        directory: String,
        /// How long it is good for: 12h, 90d, 2w.
        #[arg(long, default_value = "365d", value_name = "TIME", value_parser = setup::duration)]
        expires_in: jiff::SignedDuration,
        /// What to call it, in lists and in the audit.
        #[arg(long, default_value = "scim")]
        name: String,
    },
    /// List the tokens of a directory, also those that are over.
    List(Of),
    /// Revoke a token: from then on it opens nothing.
    Revoke(One),
}

#[derive(Debug, Subcommand)]
pub(super) enum ClientCommand {
    /// Make a client, or one more secret for a client that is there. The secret is printed once, only now.
    Create {
        /// The directory, as the settings name it.
        directory: String,
        /// Make one more secret for this client, so that the old one can be replaced without a gap.
        #[arg(long, value_name = "CLIENT_ID")]
        client: Option<String>,
        /// How long the secret is good for: 12h, 90d, 2w.
        #[arg(long, default_value = "365d", value_name = "TIME", value_parser = setup::duration)]
        expires_in: jiff::SignedDuration,
        /// What to call it, in lists and in the audit.
        #[arg(long, default_value = "scim")]
        name: String,
        /// How to print.
        #[arg(long, value_enum, default_value_t = PrintAs::Text)]
        format: PrintAs,
    },
    /// List the secrets of a directory's clients, also those that are over.
    List(Of),
    /// Revoke one secret (by its id) or a whole client (by its client id), and every access token issued for it.
    Revoke(One),
}

#[derive(Debug, Args)]
pub(super) struct Of {
    /// The directory, as the settings name it.
    directory: String,
    #[command(flatten)]
    shown: Shown,
}

#[derive(Debug, Args)]
pub(super) struct One {
    /// The directory, as the settings name it.
    directory: String,
    /// The id, as the list shows it, or the beginning of it.
    id: String,
}

pub(super) async fn run(config: &Path, command: DirectoryCommand) -> anyhow::Result<ExitCode> {
    let ports = setup::open(config).await?;
    let done = carry_out(&ports, command).await;
    ports.db.close().await;
    done?;
    Ok(exit::DONE)
}

async fn carry_out(ports: &Ports, command: DirectoryCommand) -> anyhow::Result<()> {
    match command {
        DirectoryCommand::Token(command) => token(ports, command).await,
        DirectoryCommand::Client(command) => client(ports, command).await,
        DirectoryCommand::List(shown) => {
            let rows = directories::list(ports).await?;
            match shown.format {
                PrintAs::Json => shown::json(&rows)?,
                PrintAs::Text => print::list(&rows, &shown.reading(ports).await),
            }
            Ok(())
        }
        DirectoryCommand::Show { directory, shown } => {
            let standing = directories::show(ports, &directory).await?;
            match shown.format {
                PrintAs::Json => shown::json(&standing)?,
                PrintAs::Text => print::standing(&standing, &shown.reading(ports).await),
            }
            Ok(())
        }
        DirectoryCommand::Pause { directory, reason } => pause(ports, &directory, &reason).await,
        DirectoryCommand::Resume { directory } => resume(ports, &directory).await,
        DirectoryCommand::Key { directory } => {
            shown::json(&ports.parties.public_keys(&directory)?)?;
            Ok(())
        }
    }
}

async fn token(ports: &Ports, command: TokenCommand) -> anyhow::Result<()> {
    let kind = TokenKind::Directory;
    match command {
        TokenCommand::Create { directory, expires_in, name } => {
            let owner = directories::find(ports, &directory)?.id.as_str();
            let act = setup::act(ports, "command");
            println!("{}", tokens::create(ports, &act, kind, owner, &name, expires_in).await?);
            Ok(())
        }
        TokenCommand::List(Of { directory, shown }) => {
            let owner = directories::find(ports, &directory)?.id.as_str();
            lists::list(ports, kind, owner, &shown).await
        }
        TokenCommand::Revoke(One { directory, id }) => {
            let owner = directories::find(ports, &directory)?.id.as_str();
            lists::revoke(ports, kind, owner, &id).await
        }
    }
}

async fn client(ports: &Ports, command: ClientCommand) -> anyhow::Result<()> {
    let kind = TokenKind::Client;
    match command {
        ClientCommand::Create { directory, client: known, expires_in, name, format } => {
            let owner = &directories::find(ports, &directory)?.id;
            let act = setup::act(ports, "command");
            let new = client::create(ports, &act, owner, known.as_deref(), &name, expires_in).await?;
            let token_url = ports.settings.server.public_url.join(&format!("/scim/v2/{owner}/token"));
            match format {
                PrintAs::Json => shown::json(&json!({ "client_id": new.client_id,
                    "client_secret": new.client_secret, "token_url": token_url, "id": new.id }))?,
                PrintAs::Text => {
                    println!("client_id      {}", new.client_id);
                    println!("client_secret  {}", new.client_secret);
                    println!("token_url      {token_url}");
                }
            }
            Ok(())
        }
        ClientCommand::List(Of { directory, shown }) => {
            let owner = directories::find(ports, &directory)?.id.as_str();
            lists::list(ports, kind, owner, &shown).await
        }
        ClientCommand::Revoke(One { directory, id }) => {
            let owner = directories::find(ports, &directory)?.id.as_str();
            lists::revoke(ports, kind, owner, &id).await
        }
    }
}

async fn pause(ports: &Ports, directory: &str, reason: &str) -> anyhow::Result<()> {
    let id = &directories::find(ports, directory)?.id;
    let (pause, is_new) = directories::pause(ports, &setup::act(ports, "command"), id, reason).await?;
    let text = if is_new {
        Text::new(
            format!("{id} är pausad. Öppna igen: portvakt directory resume {id}"),
            format!("{id} is paused. Let it in again: portvakt directory resume {id}"),
        )
    } else {
        let (since, by, reason) = (pause.since, pause.by, pause.reason);
        Text::new(
            format!("{id} är redan pausad sedan {since} av {by}: {reason}"),
            format!("{id} is paused already, since {since} by {by}: {reason}"),
        )
    };
    println!("{}", text.get(ports.settings.language));
    Ok(())
}

async fn resume(ports: &Ports, directory: &str) -> anyhow::Result<()> {
    let id = &directories::find(ports, directory)?.id;
    let was_paused = directories::resume(ports, &setup::act(ports, "command"), id).await?;
    let text = if was_paused {
        Text::new(format!("{id} är öppen igen."), format!("{id} is open again."))
    } else {
        Text::new(format!("{id} var inte pausad."), format!("{id} was not paused."))
    };
    println!("{}", text.get(ports.settings.language));
    Ok(())
}
