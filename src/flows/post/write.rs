//! Writes letters down, to be sent.
//!
//! Invariant: about one topic there is one letter that has not been done with.

use serde_json::Value;
use uuid::Uuid;

use super::super::{Act, Ports, Refusal};
use crate::domain::ids::AccountId;
use crate::domain::language::Language;
use crate::mail::Letter;
use crate::store::Conn;
use crate::store::letter::{self, LetterState, StoredLetter};

/// What kind of letter it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::flows) enum Kind {
    /// A notice before the freeze, which a deadline counts from.
    Notice,
    /// The same to somebody else, which nothing counts from.
    Beside,
    /// What was done.
    Told,
    /// An end that is near.
    Ending,
    /// An answer to whoever asked for leave, or a leave that must be asked for again.
    Leave,
    /// A right by hand that somebody must decide about.
    Question,
    /// Somebody asks, by hand, whether the account is still used.
    Reminder,
    /// Something that must be known at once.
    Alert,
    /// What happened since yesterday.
    Digest,
    /// Somebody tries the way out.
    Test,
}

impl Kind {
    /// The stable name.
    pub(in crate::flows) const fn name(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Beside => "beside",
            Self::Told => "told",
            Self::Ending => "ending",
            Self::Leave => "leave",
            Self::Question => "question",
            Self::Reminder => "reminder",
            Self::Alert => "alert",
            Self::Digest => "digest",
            Self::Test => "test",
        }
    }
}

/// Where a letter goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::flows) struct To {
    /// Whose address it is; nothing: somebody of the settings.
    pub(in crate::flows) account: Option<AccountId>,
    /// The address.
    pub(in crate::flows) address: String,
    /// What they read.
    pub(in crate::flows) language: Language,
}

/// A letter that is to be sent.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::flows) struct Draft {
    /// What kind.
    pub(in crate::flows) kind: Kind,
    /// What it is about, so that nobody is written to twice about one thing.
    pub(in crate::flows) topic: String,
    /// Whom it is about.
    pub(in crate::flows) account: Option<AccountId>,
    /// The account it goes to; nothing: somebody of the settings.
    pub(in crate::flows) recipient: Option<AccountId>,
    /// The letter itself.
    pub(in crate::flows) letter: Letter,
    /// What is noted once it has gone.
    pub(in crate::flows) about: Value,
}

/// Writes a letter down. Gives its id; nothing where one about the same is being sent this moment. One that only waits
/// gives way to it; one whose sender was never heard of again is taken up, so that it goes under its old id.
pub(in crate::flows) async fn put(c: &mut Conn, act: &Act, draft: Draft) -> Result<Option<Uuid>, Refusal> {
    if let Some(former) = letter::newest_of(c, &draft.topic).await? {
        match former.state {
            LetterState::Waiting => {
                letter::end(c, former.id, LetterState::Dropped, None, act.now).await?;
            }
            LetterState::Sending if former.due_at > act.now => return Ok(None),
            LetterState::Sending => return Ok(Some(former.id)),
            LetterState::Sent
            | LetterState::Refused
            | LetterState::Failed
            | LetterState::Bounced
            | LetterState::Dropped => {}
        }
    }
    let stored = StoredLetter {
        id: draft.letter.id,
        kind: draft.kind.name().to_owned(),
        topic: draft.topic,
        account: draft.account,
        recipient: draft.recipient,
        address: Some(draft.letter.to),
        language: draft.letter.language,
        subject: Some(draft.letter.subject),
        body: Some(draft.letter.text),
        about: draft.about,
        state: LetterState::Waiting,
        attempts: 0,
        queued_at: act.now,
        due_at: act.now,
        ended_at: None,
        said: None,
    };
    letter::put(c, &stored).await?;
    Ok(Some(stored.id))
}

/// Those who look after the accounts: whoever gets alerts, else the policy's contact.
pub(in crate::flows) fn operators(ports: &Ports, contact: Option<&str>) -> Vec<To> {
    let language = ports.settings.language;
    let named = ports.settings.mail.as_ref().map(|mail| mail.alerts_to.clone()).unwrap_or_default();
    let all = if named.is_empty() { contact.map(str::to_owned).into_iter().collect() } else { named };
    all.into_iter().map(|address| To { account: None, address, language }).collect()
}
