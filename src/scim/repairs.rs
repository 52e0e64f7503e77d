//! Counts what was mended in a client's request, so that it can be seen and not only survived.
//!
//! Invariant: a repair follows the schema's type and never invents a value;
//! the names are stable, because metrics and the directory's page use them.

use std::collections::BTreeMap;

/// One kind of mending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Repair {
    /// `"True"` or `"false"` as text for a boolean attribute (Entra).
    StringBoolean,
    /// `op` or a message key in another case (`Add`, `operations`).
    MessageCase,
    /// An attribute name in another case than the schema's.
    NameCase,
    /// A dotted key in an object: `name.givenName` (Entra with its flag).
    DottedKey,
    /// A fully qualified attribute as a key in an object (Entra with its flag).
    QualifiedKey,
    /// A bare text where an object with `value` belongs: manager, a member, a role.
    BareValue,
    /// A role sent as JSON inside a text (Entra app roles).
    JsonText,
    /// A list of one where the attribute takes one value.
    ListUnwrapped,
    /// One value where the attribute takes a list.
    ListWrapped,
    /// A value path that matched nothing and made its entry (Entra).
    EntryCreated,
    /// A `remove` with a list of values, which removes only these (Entra).
    RemoveByValue,
    /// A `remove` with an empty list, which removes nothing.
    EmptyRemoval,
    /// An attribute of an extension sent without its URN.
    MovedToExtension,
    /// An attribute that no schema knows, dropped.
    UnknownDropped,
    /// A read-only attribute, ignored.
    ReadOnlyIgnored,
    /// The client's own `id`, ignored.
    ClientIdIgnored,
    /// A password, dropped and never kept.
    PasswordDropped,
    /// `schemas` missing or not fitting the content.
    SchemasCorrected,
    /// More than one primary entry: the first one stays.
    PrimaryCorrected,
    /// The same entry twice in one list.
    DuplicateDropped,
    /// `members: null`, which says nothing about members.
    NullMembersIgnored,
    /// A member named by `$ref` only.
    MemberByReference,
}

impl Repair {
    /// The stable name, for metrics and pages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::StringBoolean => "string_boolean",
            Self::MessageCase => "message_case",
            Self::NameCase => "name_case",
            Self::DottedKey => "dotted_key",
            Self::QualifiedKey => "qualified_key",
            Self::BareValue => "bare_value",
            Self::JsonText => "json_text",
            Self::ListUnwrapped => "list_unwrapped",
            Self::ListWrapped => "list_wrapped",
            Self::EntryCreated => "entry_created",
            Self::RemoveByValue => "remove_by_value",
            Self::EmptyRemoval => "empty_removal",
            Self::MovedToExtension => "moved_to_extension",
            Self::UnknownDropped => "unknown_dropped",
            Self::ReadOnlyIgnored => "read_only_ignored",
            Self::ClientIdIgnored => "client_id_ignored",
            Self::PasswordDropped => "password_dropped",
            Self::SchemasCorrected => "schemas_corrected",
            Self::PrimaryCorrected => "primary_corrected",
            Self::DuplicateDropped => "duplicate_dropped",
            Self::NullMembersIgnored => "null_members_ignored",
            Self::MemberByReference => "member_by_reference",
        }
    }
}

/// How often each repair was made in one request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repairs(BTreeMap<Repair, u32>);

impl Repairs {
    /// Counts one more.
    pub fn note(&mut self, repair: Repair) {
        *self.0.entry(repair).or_default() += 1;
    }

    /// Adds the counts of `other`.
    pub fn absorb(&mut self, other: &Self) {
        for (repair, count) in &other.0 {
            *self.0.entry(*repair).or_default() += count;
        }
    }

    /// Nothing was mended.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How often `repair` was made.
    #[must_use]
    pub fn count(&self, repair: Repair) -> u32 {
        self.0.get(&repair).copied().unwrap_or(0)
    }

    /// Every repair made, with its count, in a stable order.
    pub fn iter(&self) -> impl Iterator<Item = (Repair, u32)> + '_ {
        self.0.iter().map(|(repair, count)| (*repair, *count))
    }
}

#[cfg(test)]
mod tests {
    /// Only what an administrator can look up helps them.
    #[test]
    fn every_repair_is_explained_in_the_documentation() {
        let (source, page) = (include_str!("repairs.rs"), include_str!("../../docs/scim.md"));
        let names =
            source.lines().filter_map(|line| line.trim().strip_prefix("Self::")?.split_once(" => \""));
        let names: Vec<String> =
            names.map(|(_, rest)| format!("`{}`", rest.trim_end_matches("\","))).collect();
        assert!(names.len() > 20, "{names:?}");
        let missing: Vec<&String> = names.iter().filter(|name| !page.contains(*name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
