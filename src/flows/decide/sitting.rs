//! One moment of the database, from which questions are answered.
//!
//! Invariant: everything that one sitting answers is true of one committed state, which is no older than the sitting.
//! What is remembered comes from the very epoch in which the sitting began; where something was committed before the
//! rest could be read, the sitting has moved, and its answers are worth nothing.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::memory::{Known, Sight};
use super::{Answer, Asker, Question, Who, item_of};
use crate::domain::access::{self, AccessFacts, Decision, TraceStep};
use crate::domain::account::Account;
use crate::domain::effective::holds;
use crate::domain::grant::{Grant, GrantKind, ItemRef, Origin};
use crate::domain::ids::TargetId;
use crate::domain::policy::{Action, Policy};
use crate::flows::find::{self, Found};
use crate::flows::{Compiled, Ports, Refusal, past};
use crate::store::{Conn, Epoch, entitlement, item, link, standing};

/// One moment of the database; what was read once is kept.
pub(super) struct Sitting<'p> {
    pub(super) ports: &'p Ports,
    pub(super) asker: Option<&'p TargetId>,
    pub(super) now: Timestamp,
    /// The state that answers are from, where what others have read of it may be used; nothing: all is read here.
    pub(super) epoch: Option<Epoch>,
    /// A snapshot, once something had to be read.
    c: Option<Conn>,
    has_read: bool,
    has_moved: bool,
    policies: HashMap<Option<Timestamp>, Arc<Compiled>>,
    pub(super) known: HashMap<(String, Option<Timestamp>), Arc<Known>>,
    pub(super) items: HashMap<(ItemRef, Option<Timestamp>), Arc<Sight>>,
}

impl<'p> Sitting<'p> {
    /// Reads everything anew.
    pub(super) fn open(ports: &'p Ports, asker: Option<&'p TargetId>) -> Self {
        Self {
            ports,
            asker,
            now: ports.clock.now(),
            epoch: None,
            c: None,
            has_read: false,
            has_moved: false,
            policies: HashMap::new(),
            known: HashMap::new(),
            items: HashMap::new(),
        }
    }

    /// Uses what is remembered of the present state. Whoever opens it looks whether it [`Self::has_moved`].
    pub(super) async fn remembering(ports: &'p Ports, asker: Asker<'p>) -> Result<Self, Refusal> {
        let epoch = match asker.epoch {
            Some(epoch) => epoch,
            None => ports.db.epoch().await?,
        };
        Ok(Self { epoch: Some(epoch), ..Self::open(ports, asker.target) })
    }

    /// Whether something was committed between what is remembered and what was read. Its answers are worth nothing
    /// then: ask again, and let everything be read.
    pub(super) const fn has_moved(&self) -> bool {
        self.has_moved
    }

    /// The snapshot that is read from.
    pub(super) async fn conn(&mut self) -> Result<&mut Conn, Refusal> {
        if self.c.is_none() {
            self.c = Some(self.ports.db.snapshot().await?);
        }
        self.c.as_mut().ok_or_else(|| Refusal::Outside("the snapshot is gone".to_owned()))
    }

    /// Something was read. The first read holds the snapshot to its moment: is that the one which was remembered?
    pub(super) async fn read(&mut self) -> Result<(), Refusal> {
        if let Some(epoch) = self.epoch
            && !self.has_read
        {
            self.has_moved = self.ports.db.epoch().await? != epoch;
            if self.has_moved {
                self.epoch = None;
            }
        }
        self.has_read = true;
        Ok(())
    }

    /// Answers one question.
    pub(super) async fn answer(&mut self, question: &Question) -> Result<Answer, Refusal> {
        let item = item_of(question)?;
        if question.as_of.is_some_and(|at| at > self.now) {
            return Err(Refusal::invalid("as_of", "that is in the future; give a past instant"));
        }
        let compiled = self.policy(question.as_of).await?;
        let known = match &question.who {
            Who::Account(text) => self.known(text, question.as_of).await?,
            Who::Other(_) => Arc::new(Known::Nobody),
        };
        let account = known.account();
        is_new_enough(question.min_version, account)?;
        let decision = self.decide(&compiled.policy, question, item.as_ref(), &known).await?;
        Ok(self.in_words(question, &compiled.policy, account, &decision))
    }

    fn in_words(
        &self,
        question: &Question,
        policy: &Policy,
        account: Option<&Account>,
        decision: &Decision,
    ) -> Answer {
        let language = question
            .language
            .or_else(|| account.and_then(|account| account.language))
            .unwrap_or(self.ports.settings.language);
        Answer {
            decision: decision.is_allowed(),
            code: decision.code(),
            narrowed: decision.narrowed,
            account: account.map(|account| account.id),
            account_version: account.map(|account| account.version),
            reason_user: access::reason_user(decision, policy, language),
            reason_admin: access::reason_admin(decision),
            rule: decision.trace.iter().find_map(|step| match step {
                TraceStep::RoleOpens(_, Origin::Rule(rule)) => Some(rule.clone()),
                _ => None,
            }),
            trace: access::steps(decision),
        }
    }

    pub(super) async fn decide(
        &mut self,
        policy: &Policy,
        question: &Question,
        item: Option<&ItemRef>,
        known: &Known,
    ) -> Result<Decision, Refusal> {
        let Some(action) = Action::from_name(&question.action) else {
            return Ok(Decision::refused(access::Refusal::UnknownAction(question.action.clone())));
        };
        if let Who::Other(kind) = &question.who {
            return Ok(Decision::refused(access::Refusal::UnknownSubject(kind.clone())));
        }
        let now = question.as_of.unwrap_or(self.now);
        let (account, grants) = match known {
            Known::Nobody => (None, [].as_slice()),
            Known::Several => return Ok(Decision::refused(access::Refusal::AmbiguousAccount)),
            Known::One(account, grants) => (Some(&**account), grants.as_slice()),
        };
        // Links and assignment matter only to who is item-restricted; everybody else costs no statement more.
        let sight = match item.filter(|item| matters(policy, item, grants, now)) {
            Some(item) => self.sight(item, question.as_of).await?,
            None => Arc::default(),
        };
        let assignment = sight.assignment.as_ref();
        let facts = AccessFacts { account, grants, links: &sight.links, assignment, now };
        let asked = access::Question {
            action,
            component: question.component.clone(),
            item: item.map(|item| item.item.clone()),
        };
        Ok(access::decide(policy, &facts, &asked))
    }

    /// The policy that was in force at the instant in question.
    pub(super) async fn policy(&mut self, as_of: Option<Timestamp>) -> Result<Arc<Compiled>, Refusal> {
        if let Some(known) = self.policies.get(&as_of) {
            return Ok(Arc::clone(known));
        }
        let memory = Arc::clone(&self.ports.memory);
        if let (Some(epoch), None) = (self.epoch, as_of)
            && let Some(compiled) = memory.policy.get(epoch, &())
        {
            return Ok(compiled);
        }
        let ports = self.ports;
        let c = self.conn().await?;
        let compiled = match as_of {
            None => ports.policies.current(c).await?,
            Some(at) => ports.policies.as_of(c, at).await.map_err(past::too_early)?,
        };
        self.read().await?;
        if let (Some(epoch), None) = (self.epoch, as_of) {
            memory.policy.put(epoch, (), Arc::clone(&compiled));
        }
        self.policies.insert(as_of, Arc::clone(&compiled));
        Ok(compiled)
    }

    /// Who sees an item at the instant in question.
    pub(super) async fn sight(
        &mut self,
        item: &ItemRef,
        as_of: Option<Timestamp>,
    ) -> Result<Arc<Sight>, Refusal> {
        let key = (item.clone(), as_of);
        if let Some(known) = self.items.get(&key) {
            return Ok(Arc::clone(known));
        }
        let memory = Arc::clone(&self.ports.memory);
        if let (Some(epoch), None) = (self.epoch, as_of)
            && let Some(sight) = memory.items.get(epoch, item)
        {
            return Ok(sight);
        }
        let c = self.conn().await?;
        let links = link::of_item(c, item, as_of).await?;
        let assignment = item::assignee(c, item, as_of).await?;
        self.read().await?;
        let sight = Arc::new(Sight { links, assignment });
        self.keep_sight(key, &sight);
        Ok(sight)
    }

    pub(super) fn keep_sight(&mut self, key: (ItemRef, Option<Timestamp>), sight: &Arc<Sight>) {
        if let (Some(epoch), None) = (self.epoch, key.1) {
            self.ports.memory.items.put(epoch, key.0.clone(), Arc::clone(sight));
        }
        self.items.insert(key, Arc::clone(sight));
    }

    /// Who `text` means today, as they stood at the instant in question.
    pub(super) async fn known(
        &mut self,
        text: &str,
        as_of: Option<Timestamp>,
    ) -> Result<Arc<Known>, Refusal> {
        let key = (text.to_owned(), as_of);
        if let Some(known) = self.known.get(&key) {
            return Ok(Arc::clone(known));
        }
        if as_of.is_none()
            && let Some(known) = self.remembered(text)
        {
            return Ok(known);
        }
        let asker = self.asker;
        let c = self.conn().await?;
        let known = match (find::account(c, text, asker).await?, as_of) {
            (Found::Nobody, _) => Known::Nobody,
            (Found::Several, _) => Known::Several,
            (Found::One(account), None) => {
                let grants = entitlement::held(c, account.id).await?;
                Known::One(account, grants)
            }
            (Found::One(account), Some(at)) => match standing::at(c, account.id, at).await? {
                None => Known::Nobody,
                Some(past) => {
                    let grants = entitlement::held_at(c, account.id, at).await?;
                    Known::One(Box::new(Account { standing: past.standing, ..*account }), grants)
                }
            },
        };
        self.read().await?;
        Ok(self.keep_known(key, known))
    }

    pub(super) fn remembered(&self, text: &str) -> Option<Arc<Known>> {
        self.ports.memory.known.get(self.epoch?, &(self.asker.cloned(), text.to_owned()))
    }

    pub(super) fn keep_known(&mut self, key: (String, Option<Timestamp>), known: Known) -> Arc<Known> {
        let known = Arc::new(known);
        // Whoever asks for people that there are not must not drive out those that there are.
        if let (Some(epoch), None, Known::One(..)) = (self.epoch, key.1, &*known) {
            self.ports.memory.known.put(epoch, (self.asker.cloned(), key.0.clone()), Arc::clone(&known));
        }
        self.known.insert(key, Arc::clone(&known));
        known
    }
}

/// Whether it depends on links and assignment what somebody may do with the item.
pub(super) fn matters(policy: &Policy, item: &ItemRef, grants: &[Grant], now: Timestamp) -> bool {
    holds(grants, &GrantKind::ItemRestricted, now)
        && policy.components.get(&item.component).is_some_and(|component| component.supports_items)
}

/// Refuses where the caller knows a newer version of the account than this moment has.
fn is_new_enough(wanted: Option<i64>, account: Option<&Account>) -> Result<(), Refusal> {
    let Some(wanted) = wanted else { return Ok(()) };
    let known = account.map_or(0, |account| account.version);
    if known >= wanted {
        return Ok(());
    }
    let have =
        if known == 0 { "no such account".to_owned() } else { format!("version {known} of the account") };
    Err(Refusal::TooOld(format!(
        "min_version: you know version {wanted}, and here is {have}; nothing was decided. Ask again, or without it"
    )))
}
