//! The columns that reports are put together from, and what they are called.
//!
//! Invariant: a column has one key and one meaning in every report.

use super::words::Words;

/// A column, or a line of the head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// For programs: the key in JSON.
    pub key: &'static str,
    /// For people.
    pub title: String,
    /// Whether a table on a screen shows it; the other forms have every column.
    pub is_brief: bool,
}

macro_rules! fields {
    ($($field:ident $key:literal $sv:literal $en:literal $is_brief:literal,)*) => {
        /// A column that a report may have.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Field { $(#[doc = $en] $field),* }

        impl Field {
            /// Key, Swedish, English, whether a table on a screen shows it.
            const fn parts(self) -> (&'static str, &'static str, &'static str, bool) {
                match self { $(Self::$field => ($key, $sv, $en, $is_brief)),* }
            }
        }
    };
}

fields! {
    Account "account" "Konto-id" "Account id" false,
    ActivatedAt "activated_at" "Aktiverat" "Activated" false,
    Applied "applied" "Utförda" "Applied" true,
    By "by" "Av" "By" true,
    CanSignIn "can_sign_in" "Kan logga in" "Can sign in" false,
    ClosedAt "closed_at" "Avaktiverat" "Deactivated" true,
    ConfirmedAt "confirmed_at" "Bekräftat av CRM:et" "Confirmed by the CRM" true,
    CreatedAt "created_at" "Skapat" "Created" false,
    Crm "crm" "I CRM:et" "In the CRM" false,
    CrmIds "crm_ids" "CRM:ets id" "Id in the CRM" false,
    DaysLeft "days_left" "Dagar kvar" "Days left" true,
    DaysSince "days_since" "Dagar sedan" "Days ago" true,
    Directories "directories" "Kataloger" "Directories" false,
    DisplayName "display_name" "Namn" "Name" true,
    Email "email" "E-post" "E-mail" false,
    EndsAt "ends_at" "Upphör" "Ends" true,
    Exception "exception" "Undantag" "Exception" true,
    ExemptBy "exempt_by" "Godkänt av" "Approved by" false,
    ExemptUntil "exempt_until" "Undantag till" "Exempt until" false,
    FinishedAt "finished_at" "Avslutad" "Ended" true,
    GoneSince "gone_since" "Borta sedan" "Gone since" true,
    Hours "hours" "Timmar" "Hours" true,
    ItemRestricted "item_restricted" "Föremålsbegränsad" "Item-restricted" false,
    Items "items" "Föremål" "Items" true,
    Kind "kind" "Kontotyp" "Kind" false,
    LastSeen "last_seen" "Senast sedd" "Last seen" true,
    LastSeenSource "last_seen_source" "Källa" "Source" true,
    LeftAt "left_at" "Slutade" "Left" true,
    Limited "limited" "Begränsad" "Limited" true,
    Manager "manager" "Chef" "Manager" true,
    NextOn "next_on" "Tidigast" "At the earliest" true,
    NextStep "next_step" "Nästa steg" "Next step" true,
    Notices "notices" "Påmind" "Reminded" false,
    Outcome "outcome" "Utfall" "Outcome" true,
    Plan "plan" "Plan" "Plan" false,
    PolicyVersion "policy_version" "Policyversion" "Policy version" false,
    Privileged "privileged" "Administratör" "Administrator" false,
    Protected "protected" "Skyddat" "Protected" false,
    Reason "reason" "Skälkod" "Reason code" false,
    ReleaseReason "release_reason" "Skäl till att den släpptes" "Reason for release" false,
    ReleasedBy "released_by" "Släppt av" "Released by" false,
    Roles "roles" "Roller" "Roles" true,
    Run "run" "Körnings-id" "Run id" false,
    Sectors "sectors" "Sektorer" "Sectors" true,
    Skipped "skipped" "Överhoppade" "Skipped" true,
    StartedAt "started_at" "Började" "Began" true,
    Status "status" "Status" "Status" true,
    StatusBy "status_by" "Status satt av" "Status set by" false,
    StatusSince "status_since" "Status sedan" "Status since" false,
    StatusWhy "status_reason" "Skäl till status" "Reason for status" false,
    Steps "steps" "Steg" "Steps" true,
    Stops "stops" "Stoppad av" "Stopped by" false,
    Targets "targets" "CRM:er" "CRMs" false,
    UserName "user_name" "Användarnamn" "User name" true,
    ValidUntil "valid_until" "Kontot upphör" "The account ends" false,
    What "what" "Vad" "What" true,
    Why "why" "Varför" "Why" true,
}

impl Field {
    /// The column in a language.
    pub(super) fn column(self, words: Words) -> Column {
        let (key, sv, en, is_brief) = self.parts();
        Column { key, title: words.pick(sv, en).to_owned(), is_brief }
    }
}
