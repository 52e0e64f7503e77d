//! Directories and targets at the console: how each fares, and what an administrator does about it.
//!
//! Invariant: reading changes nothing; whatever changes something takes an administrator, is refused to everybody else
//! here, and leaves an entry in the audit.

pub mod compare;
pub mod directory;
pub mod target;
pub mod tokens;

use jiff::Timestamp;

use super::super::compare::ComparisonView;
use super::super::tokens::TokenKind;
use super::super::tokens::roster::{self, Line, State};
use super::super::{Ports, Refusal, compare as comparing, directories, targets};

/// Every directory and every target.
#[derive(Debug, Clone)]
pub struct Overview {
    /// The directories, in the order of the settings.
    pub directories: Vec<DirectoryLine>,
    /// The targets, in the order of the settings.
    pub targets: Vec<TargetLine>,
}

/// A directory in the overview.
#[derive(Debug, Clone)]
pub struct DirectoryLine {
    /// How it stands.
    pub row: directories::Row,
    /// How many kinds of mistakes are mended in its requests, and when the last was.
    pub mended: Option<(usize, Timestamp)>,
    /// How many of its tokens and client secrets end within 30 days.
    pub ending: usize,
}

/// A target in the overview.
#[derive(Debug, Clone)]
pub struct TargetLine {
    /// How it stands.
    pub standing: targets::TargetStanding,
    /// How many of its tokens end within 30 days.
    pub ending: usize,
    /// What its last comparison found.
    pub compared: Option<ComparisonView>,
}

/// How every directory and target stands.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn overview(ports: &Ports) -> Result<Overview, Refusal> {
    let mut all = Overview { directories: Vec::new(), targets: Vec::new() };
    for row in directories::list(ports).await? {
        let standing = directories::show(ports, row.directory.as_str()).await?;
        let last = standing.repairs.iter().map(|repair| repair.last_at).max();
        all.directories.push(DirectoryLine {
            mended: last.map(|at| (standing.repairs.len(), at)),
            ending: ending(&standing.access),
            row,
        });
    }
    for standing in targets::list(ports).await? {
        let tokens = roster::list(ports, TokenKind::Target, standing.target.as_str()).await?;
        let compared = comparing::last(ports, &standing.target).await?;
        all.targets.push(TargetLine { ending: ending(&tokens), compared, standing });
    }
    Ok(all)
}

/// How many of these end within 30 days.
fn ending(lines: &[Line]) -> usize {
    lines.iter().filter(|line| line.state == State::Ending).count()
}
