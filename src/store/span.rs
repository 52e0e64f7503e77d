//! Which accounts a page of rows is about: all from one id to another, or those of a list.
//!
//! Invariant: both ways give the same rows for the same accounts. A plan goes through everybody in the order of ids,
//! a report in the order that people read.

use crate::domain::ids::AccountId;

/// The accounts of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// Every account from the first to the last, in the order of ids.
    Between(AccountId, AccountId),
    /// These.
    Listed(Vec<AccountId>),
}

/// Reads the rows of a [`Span`]'s accounts. `account_id` of the table is compared; the values of the rest of the text
/// begin with `$3`.
///
/// ```text
/// spanned!(Row; c, span, "SELECT … FROM notice WHERE ", " ORDER BY account_id", value)
/// ```
macro_rules! spanned {
    ($row:ty; $c:expr, $span:expr, $before:expr, $after:literal $(, $arg:expr)* $(,)?) => {
        match $span {
            $crate::store::Span::Between(first, last) => q!(fetch_all as $row; $c,
                concat!($before, "account_id >= $1 AND account_id <= $2", $after), first.uuid(), last.uuid() $(, $arg)*),
            $crate::store::Span::Listed(ids) => q!(fetch_all as $row; $c,
                sqlite concat!($before,
                    "account_id IN (SELECT unhex(e.value) FROM json_each($1) e) AND account_id >= $2", $after),
                postgres concat!($before, "account_id = ANY($1) AND account_id >= $2", $after),
                $crate::store::value::Many(ids.iter().map(|id| id.uuid()).collect()), uuid::Uuid::nil() $(, $arg)*),
        }
    };
}
