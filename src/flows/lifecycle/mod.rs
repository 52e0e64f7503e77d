//! Runs the lifecycle: plans whole, checks, waits for release where it must, and takes the steps that still hold.
//!
//! Invariant: nothing is done before the whole plan is made and checked; each step is judged again in the transaction
//! that takes it; one node works at a time, and every run is recorded, also one that did nothing.

mod about;
mod alarm;
mod apply;
mod backtest;
mod chunk;
mod dates;
pub(in crate::flows) mod facts;
mod letters;
pub(in crate::flows) mod observe;
mod plan;
mod release;
mod rights;
mod run;
mod schedule;
mod step;
mod told;
mod undo;
mod view;
mod weigh;

pub(in crate::flows) use about::About;
pub use apply::{JOB, apply};
pub use backtest::{Backtest, Tried, backtest};
pub use dates::{end_grants, follow_dates};
pub(in crate::flows) use letters::is_still_due;
pub use observe::{Watch, watch};
pub use plan::{Exception, Proposal, find, latest, plan};
pub use release::{refuse, release};
pub(in crate::flows) use run::UNDER_WAY;
pub use run::{Run, RunOutcome, RunReport, outcome_word, runs};
pub use schedule::{Due, is_due, next_run, run, run_due};
pub(in crate::flows) use step::end_of_leave;
pub use undo::{UndoLine, UndoReport, UndoWish, undo};
pub use view::{ExceptionView, PlanView, StepView, view};
