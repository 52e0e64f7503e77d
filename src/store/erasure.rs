//! Erases what is personal about an account that is removed.
//!
//! Invariant: the account's row, its history of status and grants and the audit stay, under a number without a name.
//! What a directory still says of a person is the directory's to delete, and stays.

use jiff::Timestamp;
use serde_json::json;
use sqlx::types::Json;

use crate::domain::ids::AccountId;

use super::conn::Conn;
use super::error::StoreError;
use super::roster;
use super::value::micros;

/// Erases names, address, evidence, notices, letters and sessions of an account, and what tombstones of its identities
/// say; ends whatever it holds, and forgets what CRMs said of it.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn erase(c: &mut Conn, account: AccountId, now: Timestamp) -> Result<(), StoreError> {
    let id = account.uuid();
    q!(execute; c,
        "UPDATE account SET user_name = '', user_name_key = '', display_name = '', email = NULL, language = NULL,
                name_key = $2, seen_at = 0
          WHERE id = $1", id, Vec::<u8>::new())?;
    roster::drop_words(c, account).await?;
    q!(execute; c, "UPDATE account_status SET note = NULL WHERE account_id = $1", id)?;
    q!(execute; c, "UPDATE account SET status_note = NULL WHERE id = $1", id)?;
    q!(execute; c,
        sqlite "UPDATE run_step SET document = json_remove(document, '$.before.note') WHERE account_id = $1",
        postgres "UPDATE run_step SET document = document #- '{before,note}' WHERE account_id = $1", id)?;
    q!(execute; c, "UPDATE account_leave SET approver = '', sign_in_why = NULL WHERE account_id = $1", id)?;
    q!(execute; c,
        "DELETE FROM sign_in_subject WHERE identity_id IN
            (SELECT i.id FROM identity i WHERE i.account_id = $1 AND i.deleted_at IS NOT NULL)", id)?;
    q!(execute; c,
        "DELETE FROM identity_address WHERE identity_id IN
            (SELECT i.id FROM identity i WHERE i.account_id = $1 AND i.deleted_at IS NOT NULL)", id)?;
    q!(execute; c,
        "UPDATE identity SET user_name_key = '', external_id = NULL, display_name_key = NULL, email_key = NULL,
                document = $2
          WHERE account_id = $1 AND deleted_at IS NOT NULL", id, Json(json!({})))?;
    q!(execute; c, "UPDATE entitlement SET until = $2 WHERE account_id = $1 AND until IS NULL", id, micros(now))?;
    q!(execute; c, "UPDATE link SET until = $2 WHERE account_id = $1 AND until IS NULL", id, micros(now))?;
    // What a CRM said may speak of the person; that it was told, and when, stays.
    q!(execute; c, "UPDATE delivered SET answer = '' WHERE account_id = $1", id)?;
    q!(execute; c, "UPDATE outbox SET last_error = NULL WHERE account_id = $1", id)?;
    q!(execute; c, "DELETE FROM comparison_user WHERE account_id = $1", id)?;
    q!(execute; c, "DELETE FROM comparison_difference WHERE account_id = $1", id)?;
    q!(execute; c, "DELETE FROM evidence WHERE account_id = $1", id)?;
    q!(execute; c, "DELETE FROM evidence_day WHERE account_id = $1", id)?;
    q!(execute; c, "DELETE FROM notice WHERE account_id = $1", id)?;
    q!(execute; c, "DELETE FROM letter WHERE account_id = $1 OR recipient_id = $1", id)?;
    q!(execute; c, "DELETE FROM right_question WHERE account_id = $1", id)?;
    q!(execute; c, "DELETE FROM held_right WHERE account_id = $1", id)?;
    q!(execute; c, "DELETE FROM protection_request WHERE account_id = $1", id)?;
    q!(execute; c, "DELETE FROM protection WHERE account_id = $1", id)?;
    q!(execute; c, "DELETE FROM leave_request WHERE account_id = $1", id)?;
    q!(execute; c, "DELETE FROM session WHERE account_id = $1", id)?;
    q!(execute; c, "DELETE FROM client_subject WHERE account_id = $1", id)?;
    q!(execute; c, "DELETE FROM link_request WHERE account_id = $1 OR proposed_account = $1", id)?;
    q!(execute; c,
        "DELETE FROM claimed_group WHERE identity_id IN
            (SELECT i.id FROM identity i WHERE i.account_id = $1 AND i.deleted_at IS NOT NULL)", id)?;
    Ok(())
}
