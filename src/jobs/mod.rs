//! The table of jobs, and the ticker that runs them.
//!
//! Invariant: a job takes no input beyond the clock and the database, may run twice, and finds its own work.
