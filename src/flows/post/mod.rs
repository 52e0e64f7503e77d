//! Mail: written down first, then sent, and what becomes of it.
//!
//! Invariant: a letter is a row before it is mail, so that none is sent twice but after a crash, and then under the same
//! Message-ID. No transaction is open while mail is sent.

mod bounce;
pub mod digest;
mod ending;
mod look;
mod reach;
mod send;
mod write;

pub use crate::store::letter::LetterState;
pub use bounce::{Returned, returned};
pub(in crate::flows) use ending::name as right_name;
pub use ending::tell_of_ends;
pub use look::{LetterView, letters, try_out};
pub(in crate::flows) use reach::{How, Recipient, besides, department, manager, meant, reachable};
pub(in crate::flows) use send::{Attempt, attempt, drop_unwanted};
pub use send::{Round, is_due, send_due};
pub(in crate::flows) use write::{Draft, Kind, operators, put};
