//! What a CRM holds against what it should hold: missing, extra, different or conflicting.
//!
//! Invariant: pure. What a CRM does not tell is never a difference, and of its roles only those that the settings govern
//! count.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::name::fold;
use super::named::named;

/// How what is there differs from what should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Somebody has access, and the CRM has no user for them.
    Missing,
    /// The CRM has a user that belongs to no account.
    Extra,
    /// An attribute is otherwise than it should be.
    Different,
    /// It is clear to nobody whose user it is.
    Conflicting,
}

/// What is compared of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Attribute {
    /// Whether it may sign in.
    Active,
    /// The roles.
    Roles,
    /// The name to sign in with.
    UserName,
    /// The name that people read.
    DisplayName,
    /// Where mail goes.
    Email,
}

/// What becomes of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Treatment {
    /// It is shown.
    #[default]
    Report,
    /// It is shown, and the CRM is told again.
    Heal,
    /// The CRM may have it as it likes.
    Accept,
}

named!(Class, Missing = "missing", Extra = "extra", Different = "different", Conflicting = "conflicting");
named!(
    Attribute,
    Active = "active",
    Roles = "roles",
    UserName = "user_name",
    DisplayName = "display_name",
    Email = "email"
);
named!(Treatment, Report = "report", Heal = "heal", Accept = "accept");

/// What becomes of each difference of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Treatments {
    /// Of who is missing.
    pub missing: Treatment,
    /// Of whether somebody may sign in.
    pub active: Treatment,
    /// Of the roles.
    pub roles: Treatment,
    /// Of the name to sign in with.
    pub user_name: Treatment,
    /// Of the name that people read.
    pub display_name: Treatment,
    /// Of the address.
    pub email: Treatment,
}

impl Treatments {
    /// What becomes of a difference. Who is extra, or in conflict, is for a person.
    #[must_use]
    pub const fn of(&self, difference: &Difference) -> Treatment {
        match (difference.class, difference.attribute) {
            (Class::Missing, _) => self.missing,
            (Class::Extra | Class::Conflicting, _) | (Class::Different, None) => Treatment::Report,
            (Class::Different, Some(attribute)) => match attribute {
                Attribute::Active => self.active,
                Attribute::Roles => self.roles,
                Attribute::UserName => self.user_name,
                Attribute::DisplayName => self.display_name,
                Attribute::Email => self.email,
            },
        }
    }
}

/// One user as a CRM holds it. What it does not tell is nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Holding {
    /// The CRM's id.
    pub crm_id: String,
    /// Our id of the account, where the CRM keeps it.
    pub account: Option<String>,
    /// The name to sign in with.
    pub user_name: Option<String>,
    /// The name that people read.
    pub display_name: Option<String>,
    /// Where mail goes; an empty text: nowhere.
    pub email: Option<String>,
    /// Whether it may sign in.
    pub active: Option<bool>,
    /// What the CRM calls the roles.
    pub roles: Option<BTreeSet<String>>,
    /// When it was last signed in with.
    pub last_login: Option<Timestamp>,
}

/// One user as a CRM should hold it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ought {
    /// The CRM's id, once it has told us.
    pub crm_id: Option<String>,
    /// Whether it may sign in.
    pub active: bool,
    /// Whether the person was removed: nothing but `active` is left to compare.
    pub removed: bool,
    /// The name to sign in with.
    pub user_name: String,
    /// The name that people read.
    pub display_name: String,
    /// Where mail goes.
    pub email: Option<String>,
    /// What the CRM calls the roles.
    pub roles: BTreeSet<String>,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Of which kind.
    pub class: Class,
    /// Of what; nothing: of the person as a whole.
    pub attribute: Option<Attribute>,
    /// The CRM's id of the user.
    pub crm_id: Option<String>,
    /// What we say.
    pub ours: Option<String>,
    /// What the CRM says.
    pub theirs: Option<String>,
}

impl Difference {
    fn whole(class: Class, crm_id: Option<String>, ours: Option<String>, theirs: Option<String>) -> Self {
        Self { class, attribute: None, crm_id, ours, theirs }
    }

    /// A user that belongs to no account.
    #[must_use]
    pub fn extra(held: &Holding) -> Self {
        Self::whole(Class::Extra, Some(held.crm_id.clone()), None, held.user_name.clone())
    }

    /// A user of which it is clear to nobody whose it is, and why.
    #[must_use]
    pub fn conflicting(crm_id: String, why: String) -> Self {
        Self::whole(Class::Conflicting, Some(crm_id), None, Some(why))
    }

    /// Whether telling the CRM again takes access there: somebody is shut out, or loses a role.
    #[must_use]
    pub fn takes(&self, ought: &Ought, held: Option<&Holding>, governed: &BTreeSet<String>) -> bool {
        match self.attribute {
            Some(Attribute::Active) => !ought.active,
            Some(Attribute::Roles) => {
                let theirs = held.and_then(|held| held.roles.as_ref());
                theirs.is_some_and(|all| {
                    all.iter().any(|role| governed.contains(role) && !ought.roles.contains(role))
                })
            }
            Some(Attribute::UserName | Attribute::DisplayName | Attribute::Email) | None => false,
        }
    }
}

/// Compares what a CRM holds of an account with what it should. `governed` are the CRM's names of the roles that the
/// settings give and take there.
#[must_use]
pub fn compare(ought: &Ought, held: &[Holding], governed: &BTreeSet<String>) -> Vec<Difference> {
    match held {
        [] if ought.active => {
            let was = ought.crm_id.clone();
            vec![Difference::whole(Class::Missing, was, Some(ought.user_name.clone()), None)]
        }
        [] => Vec::new(),
        [one] => match &ought.crm_id {
            Some(known) if *known != one.crm_id => vec![Difference::whole(
                Class::Conflicting,
                Some(one.crm_id.clone()),
                Some(known.clone()),
                Some(one.crm_id.clone()),
            )],
            Some(_) | None => attributes(ought, one, governed),
        },
        several => {
            let ids: Vec<&str> = several.iter().map(|one| one.crm_id.as_str()).collect();
            let first = several.first().map(|one| one.crm_id.clone());
            vec![Difference::whole(Class::Conflicting, first, ought.crm_id.clone(), Some(ids.join(", ")))]
        }
    }
}

fn attributes(ought: &Ought, held: &Holding, governed: &BTreeSet<String>) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut differ = |attribute, ours: String, theirs: String| {
        found.push(Difference {
            class: Class::Different,
            attribute: Some(attribute),
            crm_id: Some(held.crm_id.clone()),
            ours: Some(ours),
            theirs: Some(theirs),
        });
    };
    if let Some(active) = held.active.filter(|active| *active != ought.active) {
        differ(Attribute::Active, ought.active.to_string(), active.to_string());
    }
    if let Some(roles) = &held.roles {
        let theirs: BTreeSet<String> = roles.intersection(governed).cloned().collect();
        if theirs != ought.roles {
            let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
            differ(Attribute::Roles, list(&ought.roles), list(&theirs));
        }
    }
    // A user that is closed is not renamed.
    if !ought.active || ought.removed {
        return found;
    }
    let folded = |ours: &str, theirs: &str| fold(ours) == fold(theirs);
    let exact = |ours: &str, theirs: &str| ours.trim() == theirs.trim();
    if let Some(theirs) = held.user_name.as_ref().filter(|theirs| !folded(&ought.user_name, theirs)) {
        differ(Attribute::UserName, ought.user_name.clone(), theirs.clone());
    }
    if let Some(theirs) = held.display_name.as_ref().filter(|theirs| !exact(&ought.display_name, theirs)) {
        differ(Attribute::DisplayName, ought.display_name.clone(), theirs.clone());
    }
    if let (Some(ours), Some(theirs)) = (&ought.email, &held.email)
        && !folded(ours, theirs)
    {
        differ(Attribute::Email, ours.clone(), theirs.clone());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> BTreeSet<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    fn ought() -> Ought {
        Ought {
            crm_id: Some("7".to_owned()),
            active: true,
            removed: false,
            user_name: "Åsa@forening.example".to_owned(),
            display_name: "Åsa".to_owned(),
            email: Some("asa@forening.example".to_owned()),
            roles: names(&["Styrelse"]),
        }
    }

    fn held() -> Holding {
        Holding {
            crm_id: "7".to_owned(),
            user_name: Some("åsa@forening.example".to_owned()),
            display_name: Some("Åsa".to_owned()),
            email: Some("ASA@forening.example".to_owned()),
            active: Some(true),
            roles: Some(names(&["Styrelse", "Arkiv"])),
            ..Holding::default()
        }
    }

    fn found(ought: &Ought, held: &[Holding]) -> Vec<(Class, Option<Attribute>)> {
        let governed = names(&["Styrelse", "Utskick"]);
        compare(ought, held, &governed).iter().map(|one| (one.class, one.attribute)).collect()
    }

    #[test]
    fn what_is_the_same_or_not_told_or_not_governed_is_no_difference() {
        assert_eq!(found(&ought(), &[held()]), []);
        let silent = Holding { crm_id: "7".to_owned(), ..Holding::default() };
        assert_eq!(found(&ought(), &[silent]), []);
        let unlinked = Ought { crm_id: None, email: None, ..ought() };
        assert_eq!(found(&unlinked, &[held()]), []);
    }

    #[test]
    fn each_difference_has_its_class_and_attribute() {
        let different = |attribute| vec![(Class::Different, Some(attribute))];
        assert_eq!(found(&ought(), &[]), [(Class::Missing, None)]);
        assert_eq!(found(&Ought { active: false, ..ought() }, &[]), []);
        assert_eq!(
            found(&ought(), &[Holding { active: Some(false), ..held() }]),
            different(Attribute::Active)
        );
        assert_eq!(
            found(&ought(), &[Holding { roles: Some(names(&["Utskick"])), ..held() }]),
            different(Attribute::Roles)
        );
        assert_eq!(
            found(&Ought { user_name: "bo".into(), ..ought() }, &[held()]),
            different(Attribute::UserName)
        );
        assert_eq!(
            found(&Ought { display_name: "Asa".into(), ..ought() }, &[held()]),
            different(Attribute::DisplayName)
        );
        assert_eq!(
            found(&Ought { email: Some("x".into()), ..ought() }, &[held()]),
            different(Attribute::Email)
        );
        let other = Holding { crm_id: "8".to_owned(), ..held() };
        assert_eq!(found(&ought(), std::slice::from_ref(&other)), [(Class::Conflicting, None)]);
        assert_eq!(found(&ought(), &[held(), other]), [(Class::Conflicting, None)]);
    }

    #[test]
    fn a_closed_user_is_compared_by_its_access_alone_and_only_a_loss_takes() {
        let closed = Ought { active: false, display_name: "x".into(), roles: names(&[]), ..ought() };
        let governed = names(&["Styrelse", "Utskick"]);
        let found = compare(&closed, &[held()], &governed);
        let which: Vec<_> = found.iter().filter_map(|one| one.attribute).collect();
        assert_eq!(which, [Attribute::Active, Attribute::Roles]);
        assert!(found.iter().all(|one| one.takes(&closed, Some(&held()), &governed)));
        let fewer = Holding { active: Some(false), roles: Some(names(&[])), ..held() };
        let gives = compare(&ought(), std::slice::from_ref(&fewer), &governed);
        assert_eq!(gives.len(), 2);
        assert!(!gives.iter().any(|one| one.takes(&ought(), Some(&fewer), &governed)));
    }

    #[test]
    fn who_is_extra_or_in_conflict_is_always_for_a_person() {
        let all = Treatments { missing: Treatment::Heal, active: Treatment::Heal, ..Treatments::default() };
        assert_eq!(all.of(&Difference::extra(&held())), Treatment::Report);
        assert_eq!(all.of(&Difference::conflicting("7".into(), "x".into())), Treatment::Report);
        let [missing] = &compare(&ought(), &[], &names(&[]))[..] else { panic!("one is missing") };
        assert_eq!(all.of(missing), Treatment::Heal);
    }
}
