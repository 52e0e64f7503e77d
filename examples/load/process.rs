//! What the kernel says about a process: memory and processor time. Linux only.
//!
//! Invariant: memory is in MiB, processor time in microseconds.

use std::fs;

use anyhow::Context;

/// Microseconds per clock tick: Linux shows 100 ticks a second to programs, whatever it counts inside.
const TICK: u64 = 10_000;

/// The memory of a process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// What lies in memory now, in MiB.
    pub(crate) now: f64,
    /// The most that ever did, in MiB, since the start or the last [`forget_peak`].
    pub(crate) peak: f64,
}

/// Reads the memory of a process.
///
/// # Errors
///
/// When there is no such process.
pub(crate) fn memory(pid: u32) -> anyhow::Result<Memory> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("the memory of the daemon")?;
    let kib = |name: &str| -> anyhow::Result<f64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).context("a line of the status")?;
        Ok(line.trim().trim_end_matches("kB").trim().parse::<f64>()? / 1024.0)
    };
    Ok(Memory { now: kib("VmRSS:")?, peak: kib("VmHWM:")? })
}

/// Lets the peak of a process begin anew at what it holds now.
///
/// # Errors
///
/// When the kernel does not allow it.
pub(crate) fn forget_peak(pid: u32) -> anyhow::Result<()> {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").context("forgetting the peak of the daemon's memory")
}

/// Processor time that a process has used, its own and the kernel's for it, in microseconds.
///
/// # Errors
///
/// When there is no such process.
pub(crate) fn cpu_micros(pid: u32) -> anyhow::Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("the processor time of a process")?;
    // The second field is the name in brackets, which may hold spaces; utime and stime are fields 14 and 15.
    let (_, after) = stat.rsplit_once(')').context("the name of a process")?;
    let mut fields = after.split_whitespace().skip(11);
    let mut ticks = || fields.next().and_then(|field| field.parse::<u64>().ok()).context("ticks");
    Ok((ticks()? + ticks()?) * TICK)
}
