//! The first meeting of a CRM's users with the accounts that the directories made: who is whom.
//!
//! Invariant: only the directory's own id or the sign-in name ties a user to an account, and only where it leads to one
//! account that nobody else claims. An address or a person's name proposes and never decides.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::ids::AccountId;
use super::name::fold;

/// A user of the CRM, as a line of its list tells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CrmUser {
    /// The line.
    pub line: u64,
    /// The CRM's own id.
    pub crm_id: String,
    /// The sign-in name.
    pub user_name: Option<String>,
    /// The directory's own id of the person.
    pub external_id: Option<String>,
    /// The address.
    pub email: Option<String>,
    /// What people call the person.
    pub name: Option<String>,
    /// When the CRM made the user.
    pub created: Option<Timestamp>,
    /// When the person last signed in there.
    pub last_login: Option<Timestamp>,
}

/// An account that a user may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The account.
    pub account: AccountId,
    /// The sign-in name.
    pub user_name: String,
    /// What people call the person.
    pub name: String,
    /// The address.
    pub email: Option<String>,
    /// The ids that the directories give the person.
    pub external_ids: Vec<String>,
    /// The CRM's id that is known already.
    pub crm_id: Option<String>,
}

/// What ties a user to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tie {
    /// The CRM's id was known.
    Known,
    /// A person decided.
    Decided,
    /// The directory's own id of the person.
    ExternalId,
    /// The sign-in name.
    UserName,
}

/// Why a person must decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// Only the address is the same.
    Email,
    /// Only the person's name is the same.
    Name,
    /// The same id or sign-in name leads to several accounts, or several users to one account.
    Several,
    /// The directory's id leads to one account, the sign-in name to another.
    Contradiction,
    /// The account is another user of the CRM already.
    Taken,
}

/// Who a user is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// This account.
    Linked(AccountId, Tie),
    /// One of these, or nobody: a person must decide.
    Doubtful(Vec<(AccountId, Doubt)>),
    /// Nobody whom a directory tells of.
    OnlyInCrm,
}

/// What a person has decided of a user: this account, or none.
pub type Decisions = BTreeMap<String, Option<AccountId>>;

/// The accounts, by everything that they can be found by.
#[derive(Debug, Default)]
pub struct Known {
    accounts: BTreeMap<AccountId, Candidate>,
    by_crm_id: HashMap<String, AccountId>,
    by_external_id: HashMap<String, BTreeSet<AccountId>>,
    by_user_name: HashMap<String, BTreeSet<AccountId>>,
    by_email: HashMap<String, BTreeSet<AccountId>>,
    by_name: HashMap<String, BTreeSet<AccountId>>,
}

impl Known {
    /// Takes an account in.
    pub fn add(&mut self, one: Candidate) {
        let id = one.account;
        if let Some(crm_id) = &one.crm_id {
            self.by_crm_id.insert(crm_id.clone(), id);
        }
        for external_id in &one.external_ids {
            self.by_external_id.entry(external_id.clone()).or_default().insert(id);
        }
        self.by_user_name.entry(fold(&one.user_name)).or_default().insert(id);
        if let Some(email) = &one.email {
            self.by_email.entry(fold(email)).or_default().insert(id);
        }
        self.by_name.entry(fold(&one.name)).or_default().insert(id);
        self.accounts.insert(id, one);
    }

    /// The account of that id.
    #[must_use]
    pub fn get(&self, id: AccountId) -> Option<&Candidate> {
        self.accounts.get(&id)
    }

    /// The account that a person's text means: its id or its sign-in name, where that is one.
    #[must_use]
    pub fn named(&self, text: &str) -> Option<AccountId> {
        let by_id = AccountId::parse(text.trim()).ok().filter(|id| self.accounts.contains_key(id));
        by_id.or_else(|| only(&found(&self.by_user_name, Some(text))))
    }

    /// Every account.
    pub fn all(&self) -> impl Iterator<Item = &Candidate> {
        self.accounts.values()
    }

    fn taken(&self, id: AccountId) -> bool {
        self.accounts.get(&id).is_some_and(|one| one.crm_id.is_some())
    }

    fn one(&self, user: &CrmUser, decided: &Decisions) -> Match {
        if let Some(id) = self.by_crm_id.get(&user.crm_id) {
            return Match::Linked(*id, Tie::Known);
        }
        match decided.get(&user.crm_id) {
            Some(Some(id)) => return self.unless_taken(*id, Tie::Decided),
            Some(None) => return Match::OnlyInCrm,
            None => {}
        }
        let by_id = user.external_id.as_ref().and_then(|id| self.by_external_id.get(id.trim()));
        let by_id = by_id.cloned().unwrap_or_default();
        let by_name = found(&self.by_user_name, user.user_name.as_deref());
        let doubtful = |ids: BTreeSet<AccountId>, why: Doubt| {
            Match::Doubtful(ids.into_iter().map(|id| (id, why)).collect())
        };
        match (only(&by_id), only(&by_name)) {
            (Some(id), _) if by_name.is_empty() || by_name == by_id => self.unless_taken(id, Tie::ExternalId),
            (None, Some(id)) if by_id.is_empty() => self.unless_taken(id, Tie::UserName),
            (Some(_), Some(_)) => doubtful(&by_id | &by_name, Doubt::Contradiction),
            _ if by_id.is_empty() && by_name.is_empty() => self.proposed(user),
            _ => doubtful(&by_id | &by_name, Doubt::Several),
        }
    }

    fn unless_taken(&self, id: AccountId, tie: Tie) -> Match {
        if self.taken(id) { Match::Doubtful(vec![(id, Doubt::Taken)]) } else { Match::Linked(id, tie) }
    }

    /// Who has the same address, in whichever of its places it stands; else who has the same name.
    fn proposed(&self, user: &CrmUser) -> Match {
        let free =
            |ids: BTreeSet<AccountId>| ids.into_iter().filter(|id| !self.taken(*id)).collect::<Vec<_>>();
        let mut same = found(&self.by_email, user.email.as_deref());
        same.extend(found(&self.by_email, user.user_name.as_deref()));
        same.extend(found(&self.by_user_name, user.email.as_deref()));
        for (ids, why) in
            [(free(same), Doubt::Email), (free(found(&self.by_name, user.name.as_deref())), Doubt::Name)]
        {
            if !ids.is_empty() {
                return Match::Doubtful(ids.into_iter().map(|id| (id, why)).collect());
            }
        }
        Match::OnlyInCrm
    }
}

fn found(by: &HashMap<String, BTreeSet<AccountId>>, text: Option<&str>) -> BTreeSet<AccountId> {
    let key = text.map(|text| fold(text.trim())).filter(|key| !key.is_empty());
    key.and_then(|key| by.get(&key)).cloned().unwrap_or_default()
}

fn only(ids: &BTreeSet<AccountId>) -> Option<AccountId> {
    ids.first().copied().filter(|_| ids.len() == 1)
}

/// Who each user is, in their order.
#[must_use]
pub fn match_all(users: &[CrmUser], known: &Known, decided: &Decisions) -> Vec<Match> {
    let mut matches: Vec<Match> = users.iter().map(|user| known.one(user, decided)).collect();
    let mut claims: BTreeMap<AccountId, usize> = BTreeMap::new();
    for found in &matches {
        if let Match::Linked(id, _) = found {
            *claims.entry(*id).or_default() += 1;
        }
    }
    for found in &mut matches {
        if let Match::Linked(id, tie) = found
            && *tie != Tie::Known
            && claims.get(id).is_some_and(|claims| *claims > 1)
        {
            *found = Match::Doubtful(vec![(*id, Doubt::Several)]);
        }
    }
    matches
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> AccountId {
        AccountId::new(Uuid::from_u128(number))
    }

    fn account(number: u128, user_name: &str, crm_id: Option<&str>) -> Candidate {
        Candidate {
            account: id(number),
            user_name: user_name.to_owned(),
            name: user_name.split('@').next().unwrap_or_default().to_owned(),
            email: Some(format!("{number}@mail.example")),
            external_ids: vec![format!("oid-{number}")],
            crm_id: crm_id.map(str::to_owned),
        }
    }

    fn known() -> Known {
        let mut known = Known::default();
        for one in [
            account(1, "Åsa@x.example", None),
            account(2, "bo@x.example", Some("17")),
            account(3, "cy@x.example", None),
            account(4, "cy@X.example", None),
        ] {
            known.add(one);
        }
        known
    }

    fn user(crm_id: &str) -> CrmUser {
        CrmUser { crm_id: crm_id.to_owned(), ..CrmUser::default() }
    }

    fn matched(user: CrmUser) -> Match {
        match_all(&[user], &known(), &Decisions::new()).remove(0)
    }

    #[test]
    fn an_id_or_a_sign_in_name_links_whatever_its_case() {
        assert_eq!(matched(user("17")), Match::Linked(id(2), Tie::Known));
        let by_name = CrmUser { user_name: Some(" ÅSA@X.example".to_owned()), ..user("1") };
        assert_eq!(matched(by_name), Match::Linked(id(1), Tie::UserName));
        let both = CrmUser {
            external_id: Some("oid-1".to_owned()),
            user_name: Some("åsa@x.example".to_owned()),
            ..user("1")
        };
        assert_eq!(matched(both), Match::Linked(id(1), Tie::ExternalId));
    }

    #[test]
    fn what_contradicts_itself_or_leads_to_several_is_for_a_person() {
        let doubt = |user: CrmUser| match matched(user) {
            Match::Doubtful(all) => all,
            other => panic!("{other:?}"),
        };
        let contradicts = CrmUser {
            external_id: Some("oid-3".to_owned()),
            user_name: Some("åsa@x.example".to_owned()),
            ..user("1")
        };
        assert_eq!(doubt(contradicts), [(id(1), Doubt::Contradiction), (id(3), Doubt::Contradiction)]);
        let several = CrmUser { user_name: Some("cy@x.example".to_owned()), ..user("1") };
        assert_eq!(doubt(several), [(id(3), Doubt::Several), (id(4), Doubt::Several)]);
        let taken = CrmUser { user_name: Some("bo@x.example".to_owned()), ..user("18") };
        assert_eq!(doubt(taken), [(id(2), Doubt::Taken)]);
        let address = CrmUser { email: Some("1@MAIL.example".to_owned()), ..user("1") };
        assert_eq!(doubt(address), [(id(1), Doubt::Email)]);
        let in_the_wrong_place = CrmUser { email: Some("åsa@x.example".to_owned()), ..user("1") };
        assert_eq!(doubt(in_the_wrong_place), [(id(1), Doubt::Email)]);
        let name = CrmUser { name: Some("cy".to_owned()), ..user("1") };
        assert_eq!(doubt(name), [(id(3), Doubt::Name), (id(4), Doubt::Name)]);
        assert_eq!(
            matched(CrmUser { email: Some("2@mail.example".to_owned()), ..user("1") }),
            Match::OnlyInCrm,
            "taken"
        );
    }

    #[test]
    fn two_users_never_become_one_account() {
        let users = [
            CrmUser { user_name: Some("åsa@x.example".to_owned()), ..user("1") },
            CrmUser { external_id: Some("oid-1".to_owned()), ..user("2") },
        ];
        let doubt = Match::Doubtful(vec![(id(1), Doubt::Several)]);
        assert_eq!(match_all(&users, &known(), &Decisions::new()), [doubt.clone(), doubt]);
    }

    #[test]
    fn what_a_person_decided_holds_unless_the_account_is_taken() {
        let decided =
            Decisions::from([("1".into(), Some(id(3))), ("2".into(), None), ("3".into(), Some(id(2)))]);
        let users =
            [user("1"), CrmUser { user_name: Some("åsa@x.example".to_owned()), ..user("2") }, user("3")];
        let matches = match_all(&users, &known(), &decided);
        let taken = Match::Doubtful(vec![(id(2), Doubt::Taken)]);
        assert_eq!(matches, [Match::Linked(id(3), Tie::Decided), Match::OnlyInCrm, taken]);
    }

    #[test]
    fn a_person_names_an_account_by_id_or_sign_in_name() {
        assert_eq!(known().named("åsa@x.example"), Some(id(1)));
        assert_eq!(known().named(&id(3).to_string()), Some(id(3)));
        assert_eq!(
            (known().named("cy@x.example"), known().named("nobody"), known().named("")),
            (None, None, None)
        );
    }
}
