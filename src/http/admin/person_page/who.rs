//! Whom a page is about: the head that every tab has, and the way to the other tabs.
//!
//! Invariant: what somebody may not do is not offered; that is courtesy, and the flow decides.

use axum::response::Response;
use jiff::Timestamp;

use super::super::parts::{Pill, Way};
use super::super::words::source_words;
use super::super::{ConsolePerson, Desk, Fields, Place};
use crate::domain::account::Status;
use crate::domain::ids::AccountId;
use crate::flows::Refusal;
use crate::flows::act::Seen;
use crate::flows::console::person::{self, Look};

/// A tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Overview,
    Rights,
    Limits,
    Why,
    SignIns,
    Compare,
    Deliveries,
}

/// Path after the person's, Swedish, English.
const TABS: &[(Tab, &str, &str, &str)] = &[
    (Tab::Overview, "", "Översikt", "Overview"),
    (Tab::Rights, "/rights", "Behörigheter", "Rights"),
    (Tab::Limits, "/limits", "Begränsning och kopplingar", "Limits and links"),
    (Tab::Why, "/why", "Varför", "Why"),
    (Tab::SignIns, "/sign-ins", "Inloggningar", "Sign-ins"),
    (Tab::Compare, "/compare", "Jämför", "Compare"),
    (Tab::Deliveries, "/deliveries", "Leveranser", "Deliveries"),
];

/// The head of the page.
#[derive(Debug)]
pub(super) struct Who {
    pub(super) people: String,
    pub(super) name: String,
    pub(super) user_name: String,
    pub(super) initials: String,
    pub(super) status: Pill,
    pub(super) since: String,
    pub(super) seen: String,
    pub(super) source: &'static str,
    pub(super) limited: String,
    pub(super) directories: String,
    pub(super) managers: Vec<(String, String)>,
    /// What is out of the ordinary and stops most deeds.
    pub(super) aside: Option<&'static str>,
    pub(super) tabs: Vec<Way>,
    pub(super) acts: Vec<Way>,
    pub(super) more: Vec<Way>,
}

/// A person met: the page around them, what is known, and the head.
pub(super) struct Met {
    pub(super) desk: Desk,
    pub(super) look: Look,
    pub(super) who: Who,
    pub(super) id: AccountId,
    /// `/people/…`.
    pub(super) path: String,
    /// Whether the reader may change anything here.
    pub(super) may_change: bool,
}

/// The path of somebody's page.
pub(super) fn path(id: AccountId) -> String {
    format!("/people/{id}")
}

/// The account that an address names.
pub(super) async fn named(console: &ConsolePerson, id: &str) -> Result<AccountId, Response> {
    match AccountId::parse(id) {
        Ok(id) => Ok(id),
        Err(_) => Err(console.refuse(Place::People, Refusal::not_found("account", id)).await),
    }
}

/// Looks at the person that an address names, for a page at `tab`.
pub(super) async fn meet(console: &ConsolePerson, id: &str, tab: Option<Tab>) -> Result<Met, Response> {
    let id = named(console, id).await?;
    let language = console.frame.language;
    let look = match person::look(&console.ports, &console.actor, id, language).await {
        Ok(look) => look,
        Err(refusal) => return Err(console.refuse(Place::People, refusal).await),
    };
    let desk = console.desk(Place::People).await?;
    let path = path(id);
    let may_change =
        desk.may_change && !look.is_self && !look.is_removed() && !look.portrait.line.is_protected;
    let who = Who::of(&desk, &look, &path, tab);
    Ok(Met { desk, look, who, id, path, may_change })
}

impl Met {
    /// The person as this page shows them.
    pub(super) fn seen(&self) -> Seen {
        Seen { account: self.id, version: self.look.portrait.line.version, at: self.desk.reading().now }
    }

    /// The same as fields of a form.
    pub(super) fn shown(&self) -> Fields {
        let seen = self.seen();
        Fields::default().with("version", seen.version).with("seen", seen.at.as_microsecond())
    }
}

/// What a form or an address says of the version that was shown.
pub(super) fn seen(fields: &Fields, account: AccountId) -> Option<Seen> {
    let version = fields.one("version")?.parse().ok()?;
    let at = Timestamp::from_microsecond(fields.one("seen")?.parse().ok()?).ok()?;
    Some(Seen { account, version, at })
}

/// The page for a form that does not say what was shown.
pub(super) async fn unseen(console: &ConsolePerson) -> Response {
    let (sv, en) = (
        "Formuläret säger inte vilket läge det gäller. Öppna sidan igen och gör om ditt val.",
        "The form does not say which state it is about. Open the page again and choose once more.",
    );
    console.misread(Place::People, sv.to_owned(), en.to_owned()).await
}

impl Who {
    fn of(desk: &Desk, look: &Look, path: &str, here: Option<Tab>) -> Self {
        let line = &look.portrait.line;
        let tab = |(tab, way, sv, en): &(Tab, &str, &'static str, &'static str)| Way {
            address: desk.at(&format!("{path}{way}")),
            icon: desk.icon("arrow"),
            words: desk.t(sv, en),
            is_here: here == Some(*tab),
        };
        let manager = |one: &person::Manager| (desk.at(&self::path(one.account)), one.name.clone());
        let (acts, more) = acts(desk, look, path);
        Self {
            people: desk.at(Place::People.path()),
            name: look.name.clone(),
            user_name: line.user_name.clone(),
            initials: initials(&look.name),
            status: Pill::status(desk, line.status),
            since: desk.day(line.status_since),
            seen: line.last_seen.map_or_else(|| desk.t("aldrig", "never").to_owned(), |at| desk.when(at)),
            source: line.last_seen_source.map_or("", |source| source_words(desk, source)),
            limited: limited(desk, look),
            directories: look.directories.join(", "),
            managers: look.managers.iter().map(manager).collect(),
            aside: aside(desk, look),
            tabs: TABS.iter().map(tab).collect(),
            acts,
            more,
        }
    }
}

fn initials(name: &str) -> String {
    let mut letters =
        name.split_whitespace().filter_map(|word| word.chars().find(|sign| sign.is_alphanumeric()));
    let first = letters.next();
    let last = letters.next_back();
    first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
}

fn limited(desk: &Desk, look: &Look) -> String {
    let held = &look.effective;
    match (held.limited, held.sectors.len()) {
        (false, _) => desk.t("Nej", "No").to_owned(),
        (true, 0) => desk.t("Ja, utan någon sektor", "Yes, without any sector").to_owned(),
        (true, count) => {
            let sectors = desk.count(count, ["sektor", "sektorer"], ["sector", "sectors"]);
            format!("{} {sectors}", desk.t("Ja, till", "Yes, to"))
        }
    }
}

fn aside(desk: &Desk, look: &Look) -> Option<&'static str> {
    if look.is_removed() {
        Some(
            desk.t(
                "Kontot är borttaget. Det går bara att läsa.",
                "The account is removed. It can only be read.",
            ),
        )
    } else if look.portrait.line.is_protected {
        Some(desk.t(
            "Kontot är skyddat. Ingen och inget ändrar det förrän skyddet har hävts.",
            "The account is protected. Nobody and nothing changes it until the protection has ended.",
        ))
    } else if look.is_self && desk.may_change {
        Some(desk.t(
            "Det här är ditt eget konto. Det ändras av någon annan än du själv.",
            "This is your own account. It is changed by somebody else than you.",
        ))
    } else {
        None
    }
}

/// The deeds of the head: those beside the name, and those under "more".
fn acts(desk: &Desk, look: &Look, path: &str) -> (Vec<Way>, Vec<Way>) {
    let line = &look.portrait.line;
    if !desk.may_change || look.is_self || look.is_removed() {
        return (Vec::new(), Vec::new());
    }
    let way = |address: &str, icon, sv: &'static str, en: &'static str| Way {
        address: desk.at(&format!("{path}{address}")),
        icon: desk.icon(icon),
        words: desk.t(sv, en),
        is_here: false,
    };
    let sessions = way("/sign-ins", "out", "Avsluta pågående inloggningar", "End open sessions");
    if line.is_protected {
        let lift = way("/change/unprotect", "shield", "Häv skyddet …", "End the protection …");
        return (Vec::new(), vec![sessions, lift]);
    }
    let freeze = way("/change/freeze", "snow", "Frys …", "Freeze …");
    let restore = way("/change/restore", "undo", "Återställ …", "Restore …");
    let deactivate = way("/change/deactivate", "slash", "Avaktivera …", "Deactivate …");
    let leave = way("/change/leave", "pause", "Pausa …", "Put on leave …");
    let end_leave = way("/change/end-leave", "undo", "Avsluta ledigheten …", "End the leave …");
    let end_date = way("/change/end-date", "clock", "Sätt slutdatum …", "Set end date …");
    let protect = way("/change/protect", "shield", "Skydda kontot …", "Protect the account …");
    let mut more = vec![end_date, sessions, protect];
    let acts = match line.status {
        Status::Invited | Status::Active if line.leave_until.is_some() => {
            more.push(deactivate);
            vec![end_leave, freeze]
        }
        Status::Invited | Status::Active => {
            more.push(deactivate);
            vec![leave, freeze]
        }
        Status::Paused => {
            more.push(deactivate);
            vec![end_leave]
        }
        Status::Frozen => {
            more.push(deactivate);
            vec![restore]
        }
        Status::Deactivated | Status::Removed => vec![restore],
    };
    (acts, more)
}
