//! Who stands behind a session secret: session, account and what it holds, in one statement.
//!
//! Invariant: one indexed read answers a request's "who is this?".

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::account::Account;
use crate::domain::grant::Grant;
use crate::domain::ids::{AccountId, DirectoryId, IdentityId, SessionId};

use super::conn::Conn;
use super::error::StoreError;
use super::session::Session;
use super::value::{instant, instant_opt};
use super::{account, entitlement};

/// A session with the account behind it, as both are now.
#[derive(Debug, Clone)]
pub struct Visit {
    /// The session, ended or not.
    pub session: Session,
    /// What the account could do in Portvakt itself when the session began.
    pub privilege: Option<String>,
    /// Whose it is.
    pub account: Account,
    /// What the account holds; its own end dates reached or not.
    pub grants: Vec<Grant>,
    /// The number of the policy in force; nothing before the first.
    pub policy: Option<i64>,
}

row! {
    /// One grant of the account; nothing but the session where it holds none.
    #[derive(sqlx::FromRow)]
    struct Row {
        #[sqlx(flatten)]
        account: account::Row,
        s_id: Uuid,
        s_identity_id: Uuid,
        s_directory: String,
        s_provider_session: Option<String>,
        s_acr: Option<String>,
        s_amr: Option<String>,
        s_authenticated_at: Option<i64>,
        s_created_at: i64,
        s_last_used_at: i64,
        s_expires_at: i64,
        s_ended_at: Option<i64>,
        s_privilege: Option<String>,
        policy: Option<i64>,
        g_id: Option<Uuid>,
        g_kind: Option<String>,
        g_value: Option<String>,
        g_origin: Option<String>,
        g_origin_ref: Option<String>,
        g_by: Option<String>,
        g_why: Option<String>,
        g_since: Option<i64>,
        g_ends_at: Option<i64>,
    }
}

impl Row {
    fn session(&self) -> Result<Session, StoreError> {
        let id = self.s_id;
        let corrupt = |e| StoreError::corrupt("session", id, e);
        let at = |value: i64| -> Result<Timestamp, StoreError> { instant(value, "session", id) };
        Ok(Session {
            id: SessionId::new(id),
            account: AccountId::new(self.account.id),
            identity: IdentityId::new(self.s_identity_id),
            directory: DirectoryId::parse(&self.s_directory).map_err(corrupt)?,
            provider_session: self.s_provider_session.clone(),
            acr: self.s_acr.clone(),
            amr: self.s_amr.clone(),
            authenticated_at: instant_opt(self.s_authenticated_at, "session", id)?,
            created_at: at(self.s_created_at)?,
            last_used_at: at(self.s_last_used_at)?,
            expires_at: at(self.s_expires_at)?,
            ended_at: instant_opt(self.s_ended_at, "session", id)?,
        })
    }

    /// The grant of this row; nothing where the account holds none.
    fn grant(&mut self) -> Option<entitlement::Row> {
        Some(entitlement::Row {
            id: self.g_id?,
            account_id: self.account.id,
            kind: self.g_kind.take()?,
            value: self.g_value.take()?,
            origin: self.g_origin.take()?,
            origin_ref: self.g_origin_ref.take()?,
            by_actor: self.g_by.take()?,
            why: self.g_why.take(),
            since: self.g_since?,
            ends_at: self.g_ends_at,
            until: None,
        })
    }
}

/// Who stands behind the session of this hash.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn by_hash(c: &mut Conn, hash: &[u8]) -> Result<Option<Visit>, StoreError> {
    let mut rows = q!(fetch_all as Row; c,
        "SELECT a.id, a.user_name, a.display_name, a.email, a.language, a.kind, a.is_protected, a.valid_from,
                a.valid_until, a.created_at, a.status, a.status_since, a.status_reason, a.status_by, a.status_note,
                a.leave_until, a.returned_at, a.activated_at, a.version,
                s.id AS s_id, s.identity_id AS s_identity_id, s.directory AS s_directory,
                s.provider_session AS s_provider_session, s.acr AS s_acr, s.amr AS s_amr,
                s.authenticated_at AS s_authenticated_at, s.created_at AS s_created_at,
                s.last_used_at AS s_last_used_at, s.expires_at AS s_expires_at, s.ended_at AS s_ended_at,
                s.privilege AS s_privilege, (SELECT MAX(number) FROM policy_version) AS policy,
                e.id AS g_id, e.kind AS g_kind, e.value AS g_value, e.origin AS g_origin,
                e.origin_ref AS g_origin_ref, e.by_actor AS g_by, e.why AS g_why, e.since AS g_since,
                e.ends_at AS g_ends_at
           FROM session s JOIN account a ON a.id = s.account_id
           LEFT JOIN entitlement e ON e.account_id = a.id AND e.until IS NULL
          WHERE s.hash = $1",
        hash)?;
    let grants = rows.iter_mut().filter_map(Row::grant).collect();
    let Some(first) = rows.into_iter().next() else { return Ok(None) };
    Ok(Some(Visit {
        session: first.session()?,
        privilege: first.s_privilege,
        policy: first.policy,
        grants: entitlement::read(grants)?,
        account: Account::try_from(first.account)?,
    }))
}
