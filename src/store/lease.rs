//! Table `job_lease`: which node runs a job, under a number that only grows.
//!
//! Invariant: two nodes never hold one lease at the same time; who lost it is refused by its old fence.

use jiff::Timestamp;

use super::conn::Conn;
use super::error::StoreError;
use super::value::{instant_opt, micros};

/// Takes the lease of a job until just before `until`, where nobody else holds it; who holds it already has it
/// prolonged. Gives the fence; nothing when somebody else holds it.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn take(
    c: &mut Conn,
    job: &str,
    holder: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<i64>, StoreError> {
    let row = q!(fetch_optional as (i64,); c,
        "INSERT INTO job_lease (job, holder, fence, until) VALUES ($1, $2, 1, $4)
         ON CONFLICT (job) DO UPDATE SET holder = excluded.holder, until = excluded.until,
            fence = CASE WHEN job_lease.holder = excluded.holder THEN job_lease.fence ELSE job_lease.fence + 1 END
          WHERE job_lease.holder = excluded.holder OR job_lease.until <= $3
         RETURNING fence",
        job, holder, micros(now), micros(until))?;
    Ok(row.map(|(fence,)| fence))
}

/// Lets go of a lease, and notes how the run ended, where this holder and fence still have it.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn finish(
    c: &mut Conn,
    job: &str,
    holder: &str,
    fence: i64,
    outcome: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = q!(execute; c,
        "UPDATE job_lease SET until = $5, last_run_at = $5, last_outcome = $4
          WHERE job = $1 AND holder = $2 AND fence = $3",
        job, holder, fence, outcome, micros(now))?;
    Ok(done == 1)
}

/// Lets go of a lease after a run that did not come to its end, and notes why, where this holder and fence still have
/// it. The job stays due.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn let_go(
    c: &mut Conn,
    job: &str,
    holder: &str,
    fence: i64,
    outcome: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = q!(execute; c,
        "UPDATE job_lease SET until = $5, last_outcome = $4 WHERE job = $1 AND holder = $2 AND fence = $3",
        job, holder, fence, outcome, micros(now))?;
    Ok(done == 1)
}

/// Whether nobody has taken the lease since `fence` was given.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn is_held(c: &mut Conn, job: &str, fence: i64) -> Result<bool, StoreError> {
    let row = q!(fetch_optional as (i64,); c, "SELECT fence FROM job_lease WHERE job = $1 AND fence = $2", job, fence)?;
    Ok(row.is_some())
}

/// Whether nobody has taken the lease since `fence` was given; then nobody can until the end of the write transaction.
/// Several transactions may hold it so at the same time.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn hold(c: &mut Conn, job: &str, fence: i64) -> Result<bool, StoreError> {
    let row = q!(fetch_optional as (i64,); c,
        sqlite "SELECT fence FROM job_lease WHERE job = $1 AND fence = $2",
        postgres "SELECT fence FROM job_lease WHERE job = $1 AND fence = $2 FOR SHARE",
        job, fence)?;
    Ok(row.is_some())
}

/// Whether somebody has a job at `now`.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn is_taken(c: &mut Conn, job: &str, now: Timestamp) -> Result<bool, StoreError> {
    let row = q!(fetch_optional as (i64,); c,
        "SELECT fence FROM job_lease WHERE job = $1 AND until > $2", job, micros(now))?;
    Ok(row.is_some())
}

/// When a job last ran to its end.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn last_run(c: &mut Conn, job: &str) -> Result<Option<Timestamp>, StoreError> {
    let row =
        q!(fetch_optional as (Option<i64>,); c, "SELECT last_run_at FROM job_lease WHERE job = $1", job)?;
    instant_opt(row.and_then(|(at,)| at), "job_lease", job)
}
