//! The one document that says who may do what, and what happens to accounts that go quiet.
//!
//! Invariant: a `Policy` is consistent: every role, sector, module and component that it names exists in it.
//! It is made only by the parser in `config`, which refuses anything else.

pub mod care;
pub mod cases;
pub mod compare;
pub mod document;
pub mod doubts;
pub mod move_words;
mod phrase;
pub mod picture;
pub mod plan;
pub mod profile;
pub mod reach;
pub mod rule_lines;
pub mod shift;
pub mod text_changes;

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use self::profile::Profile;
use super::account::AccountKind;
use super::calm_days::CalmDays;
use super::ids::{ComponentId, DirectoryId, ModuleId, RoleId, RuleId, SectorId};
use super::language::Text;
use super::named::named;

/// The whole policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// What somebody gets whom no rule matches.
    pub unmatched: Unmatched,
    /// Whether a rule may give a role that opens administration or Portvakt's own pages.
    pub administrators_by_rule: bool,
    /// Whom a refused person is told to turn to.
    pub contact: Contact,
    /// The functions of the CRM.
    pub modules: BTreeMap<ModuleId, Module>,
    /// The functional parts that limited accounts are confined to.
    pub sectors: BTreeMap<SectorId, Sector>,
    /// The kinds of item.
    pub components: BTreeMap<ComponentId, Component>,
    /// The named sets of modules.
    pub roles: BTreeMap<RoleId, Role>,
    /// Which groups or attributes give which grants, in the order of the document.
    pub rules: Vec<Rule>,
    /// What happens to accounts that go quiet.
    pub lifecycle: LifecyclePolicy,
    /// Whether a person on leave may sign in.
    pub leave_sign_in: bool,
    /// How long a manual grant lasts unless the giver says otherwise; nothing: no end is demanded.
    pub manual_grants_expire_after: Option<SignedDuration>,
    /// When reviews open.
    pub review: ReviewPolicy,
    /// Who is told of what is coming, and when.
    pub notices: care::NoticePolicy,
    /// What happens to rights given by hand when somebody changes job.
    pub changed_job: care::ChangedJob,
}

/// What somebody gets whom no rule matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmatched {
    /// An account without rights.
    NoAccess,
    /// No account: the provisioning is refused.
    Reject,
    /// This role.
    Role(RoleId),
}

/// Whom a refused person is told to turn to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// "the board", "styrelsen".
    pub name: Text,
    /// Their address, if it may be shown.
    pub email: Option<String>,
}

/// A function of the CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// As people read it.
    pub name: Text,
}

/// A functional part of the CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sector {
    /// As people read it.
    pub name: Text,
    /// Never left without a holder.
    pub is_critical: bool,
    /// The user name of whoever answers for it.
    pub owner: Option<String>,
}

/// A kind of item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// As people read it.
    pub name: Text,
    /// The module that opens it.
    pub module: ModuleId,
    /// The sector that a limited account needs; nothing: limited accounts never reach it.
    pub sector: Option<SectorId>,
    /// Whether item restriction is possible here.
    pub supports_items: bool,
    /// Which events make a link.
    pub links_on: BTreeSet<LinksOn>,
    /// Administration is closed to limited accounts, whatever else they hold.
    pub is_administration: bool,
}

/// An event that makes a link to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinksOn {
    /// The person creates the item.
    Created,
    /// The person becomes participant of the discussion.
    Participant,
    /// The person creates an item within a project.
    Project,
}

named!(LinksOn, Created = "created", Participant = "participant", Project = "project");

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// See.
    View,
    /// Make new.
    Create,
    /// Change.
    Edit,
    /// Remove.
    Delete,
    /// Make somebody responsible.
    Assign,
    /// Change settings, subscription or other users.
    Administer,
}

named!(
    Action,
    View = "view",
    Create = "create",
    Edit = "edit",
    Delete = "delete",
    Assign = "assign",
    Administer = "administer",
);

/// A named set of modules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// As people read it.
    pub name: Text,
    /// Which modules it opens, and for which actions.
    pub opens: Vec<Opening>,
    /// Never left without a holder.
    pub is_critical: bool,
    /// What it may do on Portvakt's own pages.
    pub console: Option<Console>,
}

/// A module that a role opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The module; nothing: every module (`*`).
    pub module: Option<ModuleId>,
    /// For these actions; nothing: for every action.
    pub actions: Option<BTreeSet<Action>>,
}

impl Role {
    /// Whether the role opens `module` for `action`.
    #[must_use]
    pub fn opens(&self, module: &ModuleId, action: Action) -> bool {
        self.opens.iter().any(|opening| {
            opening.module.as_ref().is_none_or(|open| open == module)
                && opening.actions.as_ref().is_none_or(|actions| actions.contains(&action))
        })
    }
}

/// What a role may do on Portvakt's own pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Console {
    /// Everything.
    Administrator,
    /// Take part in reviews.
    Reviewer,
    /// Read and verify.
    Auditor,
}

named!(Console, Administrator = "administrator", Reviewer = "reviewer", Auditor = "auditor");

/// Which groups or attributes give which grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name; the origin of what it gives.
    pub id: RuleId,
    /// When it matches.
    pub when: Condition,
    /// What it gives.
    pub gives: Gives,
    /// The lowest number that speaks of `limited` or `item_restricted` decides it. Default 100.
    pub priority: i64,
}

/// When a rule matches an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The identity belongs to the directory.
    Directory(DirectoryId),
    /// It is a member of the group with this id: the SCIM externalId, or the id Portvakt issued.
    Group {
        /// Only in this directory; nothing: in any.
        directory: Option<DirectoryId>,
        /// The id, compared exactly.
        id: String,
    },
    /// It is a member of the group that was first to bear this name in the directory.
    GroupName {
        /// The directory.
        directory: DirectoryId,
        /// The name that was pinned.
        name: String,
    },
    /// An attribute of the SCIM document has one of these values (compared without case).
    Attribute {
        /// Only in this directory; nothing: in any.
        directory: Option<DirectoryId>,
        /// Dotted SCIM path, a URN before it where it belongs to an extension.
        path: String,
        /// Any of these.
        one_of: Vec<String>,
    },
    /// Every one of them.
    All(Vec<Condition>),
    /// At least one of them.
    Any(Vec<Condition>),
    /// Not this.
    Not(Box<Condition>),
}

/// What a rule gives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gives {
    /// Roles, united over all rules that match.
    pub roles: BTreeSet<RoleId>,
    /// Sectors, united over all rules that match.
    pub sectors: BTreeSet<SectorId>,
    /// Whether the account is limited; nothing: the rule does not speak of it.
    pub limited: Option<bool>,
    /// Whether it is item-restricted; nothing: the rule does not speak of it.
    pub item_restricted: Option<bool>,
}

/// A source that says when a person was last seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceSource {
    /// Sign-ins through Portvakt.
    Sso,
    /// The CRM's own log.
    Crm,
    /// The directory's sign-in log.
    Directory,
}

named!(EvidenceSource, Sso = "sso", Crm = "crm", Directory = "directory");

/// Whether runs act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Plans are carried out.
    Enforce,
    /// Plans are made and kept, nothing is done.
    Observe,
}

named!(Mode, Enforce = "enforce", Observe = "observe");

/// What happens to accounts that go quiet.
#[derive(Debug, Clone, PartialEq)]
pub struct LifecyclePolicy {
    /// When runs happen, as five cron fields; nothing: only by command.
    pub schedule: Option<String>,
    /// IANA time zone of the schedule.
    pub timezone: String,
    /// Whether runs act.
    pub mode: Mode,
    /// For this long after the first version with lifecycle rules came into force, runs only observe.
    pub observe_first: SignedDuration,
    /// The framework whose floors hold.
    pub profile: Option<Profile>,
    /// Days on which no step is taken.
    pub no_steps_on: CalmDays,
    /// When a plan stops by itself.
    pub safety: SafetyLimits,
    /// A source whose last success is older than this says nothing (unknown). Default 7 days.
    pub source_stale_after: SignedDuration,
    /// The first that applies to an account decides.
    pub rules: Vec<LifecycleRule>,
}

/// When a plan stops by itself: more accounts than both limits allow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SafetyLimits {
    /// This many accounts are always allowed.
    pub max_accounts: u32,
    /// Percent of the active accounts that are allowed, where that is more.
    pub max_percent: f64,
    /// Percent that an input list may shrink by.
    pub max_shrink_percent: f64,
}

/// What happens to the accounts that a rule applies to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifecycleRule {
    /// Its name, shown as the reason of each step.
    pub id: RuleId,
    /// Which accounts.
    pub applies_to: AppliesTo,
    /// Which sources count as being seen.
    pub evidence: BTreeSet<EvidenceSource>,
    /// Idle for this long: frozen (or deactivated at once where nothing is frozen first).
    pub inactive_after: Option<SignedDuration>,
    /// Never signed in for this long after the account came to be: likewise.
    pub never_signed_in_after: Option<SignedDuration>,
    /// Notices go out this long before the freeze, the longest first.
    pub notify_before: Vec<SignedDuration>,
    /// How long an account is frozen before it is deactivated.
    pub freeze_for: Option<SignedDuration>,
    /// Whether the person's own sign-in lifts the freeze.
    pub sign_in_lifts_freeze: bool,
    /// How long a deactivated account is kept before it is removed; nothing: never.
    pub remove_after: Option<SignedDuration>,
}

/// Which accounts a lifecycle rule applies to: each part that says something must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AppliesTo {
    /// Holds one of these roles.
    pub roles: BTreeSet<RoleId>,
    /// Holds one of these sectors.
    pub sectors: BTreeSet<SectorId>,
    /// Is limited, or is not.
    pub limited: Option<bool>,
    /// Is linked to an identity of one of these directories.
    pub directories: BTreeSet<DirectoryId>,
    /// Is of one of these kinds; empty: of any kind.
    pub kinds: Vec<AccountKind>,
    /// One of its identities has an attribute with one of these values.
    pub attribute: Option<AttributeIs>,
}

/// An attribute of a SCIM document and the values that are meant (compared without case).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeIs {
    /// Dotted SCIM path, a URN before it where it belongs to an extension.
    pub path: String,
    /// Any of these.
    pub one_of: Vec<String>,
}

/// When reviews open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReviewPolicy {
    /// Month and day of each review.
    pub schedule: Vec<(i8, i8)>,
    /// How long a review stays open.
    pub open_for: Option<SignedDuration>,
}

impl Policy {
    /// Whether a role opens administration of the CRM or all of Portvakt's own pages.
    #[must_use]
    pub fn is_administrator_role(&self, role: &Role) -> bool {
        role.console == Some(Console::Administrator)
            || self.components.values().any(|component| {
                component.is_administration && role.opens(&component.module, Action::Administer)
            })
    }
}
