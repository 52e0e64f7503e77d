//! Tells of ends that are near: of accounts, and of rights that somebody gave.
//!
//! Invariant: each reader hears of one end once; moved to another day it is another end. What was given for less time
//! than the notice is long is not told: whoever asked for it knows.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use super::super::{Act, Compiled, Ports, Refusal};
use super::reach::{self, How};
use super::send;
use super::write::{self, Draft, Kind};
use crate::domain::account::Account;
use crate::domain::actor::Actor;
use crate::domain::days::{earlier, later, zone_of};
use crate::domain::grant::{Grant, GrantKind};
use crate::domain::language::{Language, Text};
use crate::domain::policy::Policy;
use crate::mail::notice::{Ending, Ends, Reader, Ways};
use crate::store::{Conn, account, entitlement, letter};

/// How many ends are looked at together.
const PAGE: i64 = 500;

/// Writes to those whose accounts or rights soon end, and to whoever gave the rights. Gives how many letters.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn tell_of_ends(ports: &Ports, act: &Act) -> Result<usize, Refusal> {
    if ports.mailer.is_none() {
        return Ok(0);
    }
    let mut c = ports.db.read().await?;
    let compiled = match ports.policies.current(&mut c).await {
        Ok(compiled) => compiled,
        Err(Refusal::NoPolicy) => return Ok(0),
        Err(other) => return Err(other),
    };
    let Some(before) = compiled.policy.notices.before_end else { return Ok(0) };
    let until = later(act.now, before);
    drop(c);
    let teller = Teller {
        act: act.clone(),
        compiled: std::sync::Arc::clone(&compiled),
        before,
        until,
        sign_in: ports.settings.server.public_url.join("/sso/notice"),
        own: ports.settings.language,
    };
    let mut written = teller.of_accounts(ports).await?;
    written.extend(teller.of_grants(ports).await?);
    for id in &written {
        send::attempt(ports, act, *id).await?;
    }
    Ok(written.len())
}

/// What every letter needs.
#[derive(Debug, Clone)]
struct Teller {
    act: Act,
    compiled: std::sync::Arc<Compiled>,
    /// How long before an end it is told.
    before: SignedDuration,
    /// Ends after this instant are not near yet.
    until: Timestamp,
    sign_in: String,
    own: Language,
}

impl Teller {
    /// Tells of every account's end that is near, page by page.
    async fn of_accounts(&self, ports: &Ports) -> Result<Vec<Uuid>, Refusal> {
        let (mut written, mut after) = (Vec::new(), (self.act.now, None));
        loop {
            let mut c = ports.db.read().await?;
            let page = account::ending(&mut c, after, self.until, PAGE).await?;
            drop(c);
            let Some(last) = page.last() else { return Ok(written) };
            after = (last.valid_until.unwrap_or(self.until), Some(last.id));
            for one in page {
                let teller = self.clone();
                let work = ports.db.write(move |c| {
                    Box::pin(async move { teller.account(c, &teller.compiled.policy, one).await })
                });
                written.extend(work.await?);
            }
        }
    }

    /// Tells of every end of a right by hand that is near, page by page.
    async fn of_grants(&self, ports: &Ports) -> Result<Vec<Uuid>, Refusal> {
        let (mut written, mut after) = (Vec::new(), (self.act.now, None));
        loop {
            let mut c = ports.db.read().await?;
            let page = entitlement::ending(&mut c, after, self.until, PAGE).await?;
            drop(c);
            let Some((_, last)) = page.last() else { return Ok(written) };
            after = (last.ends_at.unwrap_or(self.until), Some(last.id));
            for (holder, grant) in page {
                if grant.ends_at.is_some_and(|end| end.duration_since(grant.since) <= self.before) {
                    continue;
                }
                let teller = self.clone();
                let work = ports.db.write(move |c| {
                    Box::pin(async move {
                        let Some(account) = account::get(c, holder).await? else { return Ok(Vec::new()) };
                        teller.grant(c, &teller.compiled.policy, account, &grant).await
                    })
                });
                written.extend(work.await?);
            }
        }
    }

    async fn account(&self, c: &mut Conn, policy: &Policy, one: Account) -> Result<Vec<Uuid>, Refusal> {
        let Some(end) = one.valid_until else { return Ok(Vec::new()) };
        let topic = format!("ending:{}:{}", one.id, end.as_second());
        let mut written = Vec::new();
        written.extend(self.tell(c, policy, (&one, &one), (Ends::Account, end), &topic).await?);
        let sectors = std::collections::BTreeSet::new();
        if let Some(other) = reach::besides(c, policy, &one, &sectors, self.act.now).await?
            && other.how == How::Manager
        {
            written.extend(self.tell(c, policy, (&one, &other.account), (Ends::Account, end), &topic).await?);
        }
        Ok(written)
    }

    async fn grant(
        &self,
        c: &mut Conn,
        policy: &Policy,
        holder: Account,
        grant: &Grant,
    ) -> Result<Vec<Uuid>, Refusal> {
        let (Some(end), Some(right)) = (grant.ends_at, name(policy, &grant.kind)) else {
            return Ok(Vec::new());
        };
        if !holder.standing.status.is_usable() {
            return Ok(Vec::new());
        }
        let topic = format!("ending:{}:{}", grant.id, end.as_second());
        let ends = || (Ends::Right(right.clone()), end);
        let mut written = Vec::new();
        written.extend(self.tell(c, policy, (&holder, &holder), ends(), &topic).await?);
        if let Some(Actor::Account(giver)) = Actor::from_text(&grant.by)
            && giver != holder.id
            && let Some(giver) = account::get(c, giver).await?
            && giver.standing.status.is_usable()
        {
            written.extend(self.tell(c, policy, (&holder, &giver), ends(), &topic).await?);
        }
        Ok(written)
    }

    async fn tell(
        &self,
        c: &mut Conn,
        policy: &Policy,
        (whose, reader): (&Account, &Account),
        (what, end): (Ends, Timestamp),
        topic: &str,
    ) -> Result<Option<Uuid>, Refusal> {
        let topic = format!("{topic}:{}", reader.id);
        let Some(address) = reach::reachable(c, reader, self.act.now).await? else { return Ok(None) };
        if letter::newest_of(c, &topic).await?.is_some() {
            return Ok(None);
        }
        let name = whose.shown_name();
        let last = earlier(end, SignedDuration::from_nanos(1));
        let ending = Ending {
            what,
            whose: (whose.id != reader.id).then(|| name.to_owned()),
            last_day: last.to_zoned(zone_of(policy)).date(),
        };
        let language = reader.language.unwrap_or(self.own);
        let to = Reader { name: &reader.display_name, address: &address, language };
        let ways = Ways { sign_in: &self.sign_in, contact: &policy.contact };
        let letter = ending.letter(Uuid::now_v7(), &to, &ways);
        let (account, recipient) = (Some(whose.id), Some(reader.id));
        let draft = Draft { kind: Kind::Ending, topic, account, recipient, letter, about: json!({}) };
        write::put(c, &self.act, draft).await
    }
}

/// A role or a sector as people call it; the limits have no end.
pub(in crate::flows) fn name(policy: &Policy, kind: &GrantKind) -> Option<Text> {
    let named = |sv: &str, en: &str, text: Option<&Text>, id: &str| {
        let (own_sv, own_en) = text.map_or((id, id), |text| (text.sv.as_str(), text.en.as_str()));
        Text::new(format!("{sv} {own_sv}"), format!("{en} {own_en}"))
    };
    match kind {
        GrantKind::Role(id) => {
            Some(named("Rollen", "The role", policy.roles.get(id).map(|role| &role.name), id.as_str()))
        }
        GrantKind::Sector(id) => {
            let sector = policy.sectors.get(id).map(|sector| &sector.name);
            Some(named("Sektorn", "The sector", sector, id.as_str()))
        }
        GrantKind::Limited | GrantKind::ItemRestricted => None,
    }
}
