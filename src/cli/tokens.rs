//! Prints and revokes tokens, the same way for directories and targets.
//!
//! Invariant: nothing printed here is a secret.

use super::shown::{self, Shown, minute, minute_or_never};
use super::{PrintAs, setup};
use crate::domain::days::{Reading, days};
use crate::domain::language::Text;
use crate::domain::scope::Scopes;
use crate::flows::Ports;
use crate::flows::tokens::TokenKind;
use crate::flows::tokens::roster::{self, Line, State};

/// Lists the tokens of a directory or target.
pub(super) async fn list(ports: &Ports, kind: TokenKind, owner: &str, shown: &Shown) -> anyhow::Result<()> {
    let lines = roster::list(ports, kind, owner).await?;
    match shown.format {
        PrintAs::Json => shown::json(&lines),
        PrintAs::Text => {
            let reading = shown.reading(ports).await;
            if lines.is_empty() {
                println!("{}", reading.pick("Det finns inga.", "There are none."));
            } else {
                print(&lines, &reading);
            }
            Ok(())
        }
    }
}

/// Prints tokens as a table; the OAuth client and what is opened have a column where there is one.
pub(super) fn print(lines: &[Line], reading: &Reading) {
    let says = |sv: &str, en: &str| reading.pick(sv, en);
    let has_clients = lines.iter().any(|line| line.client_id.is_some());
    let mut titles = vec!["Id".to_owned(), says("Namn", "Name")];
    if has_clients {
        titles.push(says("Klient", "Client"));
    }
    let has_scopes = lines.iter().any(|line| line.scopes.is_some());
    if has_scopes {
        titles.push(says("Öppnar", "Opens"));
    }
    titles.extend([
        says("Skapad", "Created"),
        says("Av", "By"),
        says("Går ut", "Expires"),
        says("Senast använd", "Last used"),
        says("Läge", "State"),
    ]);
    let row = |line: &Line| {
        let mut row = vec![line.id.to_string(), line.name.clone()];
        if has_clients {
            row.push(line.client_id.clone().unwrap_or_default());
        }
        if has_scopes {
            row.push(line.scopes.as_ref().map(|scopes| opens(scopes, reading)).unwrap_or_default());
        }
        row.extend([
            minute(line.created_at, reading),
            line.created_by.clone(),
            minute(line.expires_at, reading),
            minute_or_never(line.last_used_at, reading),
            state(line, reading),
        ]);
        row
    };
    shown::table(&titles, lines.iter().map(row));
}

fn opens(scopes: &Scopes, reading: &Reading) -> String {
    match scopes {
        Scopes::All => reading.pick("allt", "everything"),
        Scopes::Only(_) => scopes.to_string(),
    }
}

fn state(line: &Line, reading: &Reading) -> String {
    match line.state {
        State::Valid => reading.pick("giltig", "valid"),
        State::Ending => {
            let left = days(line.days_left.unwrap_or_default(), reading.language);
            reading.pick(format!("går ut om {left}"), format!("ends in {left}"))
        }
        State::Expired => reading.pick("har gått ut", "expired"),
        State::Revoked => reading.pick("återkallad", "revoked"),
    }
}

/// Revokes a token, or every secret of an OAuth client.
pub(super) async fn revoke(ports: &Ports, kind: TokenKind, owner: &str, which: &str) -> anyhow::Result<()> {
    let revoked = roster::revoke(ports, &setup::act(ports, "command"), kind, owner, which).await?;
    let language = ports.settings.language;
    if revoked.was_done {
        let text = Text::new("Det var redan återkallat.", "It was revoked already.");
        println!("{}", text.get(language));
    }
    for id in revoked.ids {
        let text = Text::new(
            format!("{id} är återkallad och öppnar ingenting längre."),
            format!("{id} is revoked and opens nothing any more."),
        );
        println!("{}", text.get(language));
    }
    Ok(())
}
