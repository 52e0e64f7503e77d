//! The policy as a document that people read: what a board decides on.
//!
//! Invariant: made from the policy alone, so that it cannot say something else than what the program does. It names no
//! account but those that the settings protect.

mod access;
mod care;
mod conduct;

use jiff::Timestamp;

use super::Policy;
pub use super::phrase::GroupNames;
use super::phrase::pick;
use crate::domain::days::Reading;

/// One block of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// The title of the whole.
    Title(String),
    /// The heading of a section.
    Heading(String),
    /// A paragraph.
    Paragraph(String),
    /// A list.
    List(Vec<String>),
    /// A table: its titles, then its rows.
    Table(Vec<String>, Vec<Vec<String>>),
}

/// Which version the document tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imprint {
    /// Its number.
    pub number: i64,
    /// Since when it has been in force.
    pub applied_at: Timestamp,
    /// SHA-256 of its text.
    pub hash: String,
}

/// What the document is made from.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// Which version; nothing: a draft.
    pub imprint: Option<&'a Imprint>,
    /// The accounts that the settings protect.
    pub protected: &'a [String],
    /// What the directories call the groups that rules ask for by id.
    pub groups: &'a GroupNames,
}

/// The document, in the reader's language.
#[must_use]
pub fn document(source: Source<'_>, reading: &Reading) -> Vec<Block> {
    let says = |sv: &str, en: &str| pick(reading.language, sv, en).to_owned();
    let mut blocks = vec![Block::Title(says("CRM-policy", "CRM policy"))];
    blocks.push(Block::Paragraph(match source.imprint {
        Some(Imprint { number, applied_at, hash }) => {
            let (date, short) = (reading.date(*applied_at), hash.chars().take(12).collect::<String>());
            reading.pick(
                format!("Version {number}, gäller sedan {date}. Kontrollsumma {short}."),
                format!("Version {number}, in force since {date}. Checksum {short}."),
            )
        }
        None => says("Utkast, gäller ännu inte.", "Draft, not in force yet."),
    }));
    blocks.push(Block::Paragraph(says(
        "Texten är framställd ur de regler som systemet följer. Det som inte står här är inte tillåtet.",
        "This text is made from the rules that the system follows. What is not written here is not allowed.",
    )));
    access::tell(source, reading.language, &mut blocks);
    conduct::tell(source, reading.language, &mut blocks);
    blocks
}
