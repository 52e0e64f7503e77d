//! `portvakt account grant|revoke|link|unlink`: rights by hand.
//!
//! Invariant: every one of them says why; what it did and until when is printed.

use std::process::ExitCode;

use clap::Args;
use jiff::tz::TimeZone;

use crate::cli::{day, exit, setup};
use crate::domain::grant::{GrantKind, Holder, Link};
use crate::domain::ids::{RoleId, SectorId};
use crate::flows::Ports;
use crate::flows::people::{self, ForWhom, Lasting, Wanted};

/// Which right.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(in crate::cli) struct Right {
    /// This role.
    #[arg(long, value_name = "ROLE", value_parser = role)]
    role: Option<RoleId>,
    /// This sector.
    #[arg(long, value_name = "SECTOR", value_parser = sector)]
    sector: Option<SectorId>,
    /// Limited: confined to its sectors, never administration.
    #[arg(long)]
    limited: bool,
    /// Item-restricted: sees only items that are linked or assigned to it, where a component supports that.
    #[arg(long)]
    item_restricted: bool,
}

/// How long.
#[derive(Debug, Args)]
pub(in crate::cli) struct Ends {
    /// The last day, or an instant. Default: as long as the policy says.
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
    /// Until somebody takes it, where the policy allows that.
    #[arg(long, conflicts_with = "until")]
    no_end: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct GrantArgs {
    /// The account: its id, user name or the CRM's id.
    account: String,
    #[command(flatten)]
    right: Right,
    #[command(flatten)]
    ends: Ends,
    /// Why, in a few words.
    #[arg(long)]
    reason: String,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RevokeArgs {
    /// The account: its id, user name or the CRM's id.
    account: String,
    #[command(flatten)]
    right: Right,
    /// Why, in a few words.
    #[arg(long)]
    reason: String,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct LinkArgs {
    /// The account (its id, user name or the CRM's id), or role:ROLE for everybody with a role.
    holder: String,
    /// The item.
    #[arg(value_name = "COMPONENT/ITEM", value_parser = component_and_item)]
    item: String,
    #[command(flatten)]
    ends: Ends,
    /// Why, in a few words.
    #[arg(long)]
    reason: String,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct UnlinkArgs {
    /// The account (its id, user name or the CRM's id), or role:ROLE.
    holder: String,
    /// The item.
    #[arg(value_name = "COMPONENT/ITEM", value_parser = component_and_item)]
    item: String,
    /// Why, in a few words.
    #[arg(long)]
    reason: String,
}

fn role(text: &str) -> Result<RoleId, String> {
    RoleId::parse(text).map_err(|error| error.to_string())
}

fn sector(text: &str) -> Result<SectorId, String> {
    SectorId::parse(text).map_err(|error| error.to_string())
}

/// An item as it is written; whether the policy knows its component is judged later.
fn component_and_item(text: &str) -> Result<String, String> {
    match text.split_once('/') {
        Some((component, item)) if !component.trim().is_empty() && !item.trim().is_empty() => {
            Ok(text.to_owned())
        }
        Some(_) | None => Err("write COMPONENT/ITEM, such as mailing/17".to_owned()),
    }
}

impl Right {
    fn kind(self) -> GrantKind {
        match (self.role, self.sector) {
            (Some(role), _) => GrantKind::Role(role),
            (None, Some(sector)) => GrantKind::Sector(sector),
            (None, None) if self.limited => GrantKind::Limited,
            (None, None) => GrantKind::ItemRestricted,
        }
    }
}

impl Ends {
    fn lasting(&self, zone: &TimeZone) -> anyhow::Result<Lasting> {
        Ok(match &self.until {
            Some(text) => Lasting::Until(day::after(text, zone)?),
            None if self.no_end => Lasting::WithoutEnd,
            None => Lasting::AsUsual,
        })
    }
}

pub(super) async fn grant(ports: &Ports, args: GrantArgs) -> anyhow::Result<ExitCode> {
    let act = setup::act(ports, args.reason.trim());
    let lasting = args.ends.lasting(&day::zone(ports).await?)?;
    let kind = args.right.kind();
    let account = people::grant(ports, &act, &args.account, (kind.clone(), lasting), &args.reason).await?;
    let stories = people::explain(ports, &account.id.to_string(), ports.settings.language).await?;
    let given = stories
        .iter()
        .find(|story| story.kind == kind.name() && story.value == kind.value() && story.origin == "manual");
    let end = given.and_then(|story| story.ends_at).map(|end| format!(" until {end}")).unwrap_or_default();
    println!("{}: {}{end}", account.user_name, shown(&kind));
    Ok(exit::DONE)
}

pub(super) async fn revoke(ports: &Ports, args: RevokeArgs) -> anyhow::Result<ExitCode> {
    let act = setup::act(ports, args.reason.trim());
    let kind = args.right.kind();
    let account = people::revoke(ports, &act, &args.account, kind.clone(), &args.reason).await?;
    println!("{}: no longer {} by hand", account.user_name, shown(&kind));
    Ok(exit::DONE)
}

fn shown(kind: &GrantKind) -> String {
    format!("{} {}", kind.name(), kind.value()).trim().to_owned()
}

pub(super) async fn link(ports: &Ports, args: LinkArgs) -> anyhow::Result<ExitCode> {
    let act = setup::act(ports, args.reason.trim());
    let lasting = args.ends.lasting(&day::zone(ports).await?)?;
    let made = people::link(ports, &act, wanted(&args.holder, &args.item), lasting, &args.reason).await?;
    let end = made.ends_at.map(|end| format!(" until {end}")).unwrap_or_default();
    println!("{}: linked to {}{end}", args.holder, item(&made));
    Ok(exit::DONE)
}

pub(super) async fn unlink(ports: &Ports, args: UnlinkArgs) -> anyhow::Result<ExitCode> {
    let act = setup::act(ports, args.reason.trim());
    let gone = people::unlink(ports, &act, wanted(&args.holder, &args.item), &args.reason).await?;
    let whose = match &gone.holder {
        Holder::Account(id) => id.to_string(),
        Holder::Role(role) => format!("role {role}"),
    };
    println!("{}: no longer linked by hand to {} ({whose})", args.holder, item(&gone));
    Ok(exit::DONE)
}

fn item(link: &Link) -> String {
    format!("{}/{}", link.item.component, link.item.item)
}

/// An item's id may hold a slash of its own; a component's never does.
fn wanted(holder: &str, item: &str) -> Wanted {
    let (component, item) = item.split_once('/').unwrap_or((item, ""));
    let whom = match holder.strip_prefix("role:") {
        Some(role) => ForWhom::Role(role.to_owned()),
        None => ForWhom::Account(holder.to_owned()),
    };
    Wanted { whom, component: component.to_owned(), item: item.to_owned(), target: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_for_an_account_or_for_a_role_and_an_item_may_hold_a_slash() {
        let one = wanted("role:board", "folder/2026/minutes");
        assert_eq!(
            (one.whom, one.component.as_str(), one.item.as_str()),
            (ForWhom::Role("board".into()), "folder", "2026/minutes")
        );
        assert_eq!(wanted("hanna", "folder").item, "");
    }

    #[test]
    fn what_names_no_item_is_told_how_one_is_written() {
        assert_eq!(component_and_item("folder/2026/minutes").unwrap(), "folder/2026/minutes");
        for wrong in ["mailing", "mailing/", "mailing/ ", "/17", ""] {
            assert_eq!(component_and_item(wrong).unwrap_err(), "write COMPONENT/ITEM, such as mailing/17");
        }
    }
}
