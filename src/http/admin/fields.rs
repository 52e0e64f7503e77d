//! What an address or a form says, field by field, and addresses that say it again.
//!
//! Invariant: a field may come several times; what is empty was not said. An address that is made here is read back as
//! the same fields.

use std::fmt::Display;

use super::super::pages::Frame;

/// The fields of a query or a form, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `a=1&b=2`. Line ends are as everywhere else in the program.
    pub(crate) fn read(text: &[u8]) -> Self {
        let read: Vec<(String, String)> = serde_urlencoded::from_bytes(text).unwrap_or_default();
        let plain = |(name, value): (String, String)| (name, value.replace("\r\n", "\n").trim().to_owned());
        Self(read.into_iter().map(plain).filter(|(_, value)| !value.is_empty()).collect())
    }

    /// The value of a field, the first if there are several.
    pub(crate) fn one<'f>(&'f self, name: &str) -> Option<&'f str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All values of a field.
    pub(crate) fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether nothing is said at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first field that is none of `known`.
    pub(crate) fn stranger(&self, known: &[&str]) -> Option<&str> {
        self.0.iter().map(|(name, _)| name.as_str()).find(|name| !known.contains(name))
    }

    /// Every field, for a form that carries them on.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The same with one more value.
    #[must_use]
    pub(crate) fn and(mut self, name: &str, value: impl Display) -> Self {
        self.0.push((name.to_owned(), format!("{value}")));
        self
    }

    /// The same with this value of a field and no other.
    #[must_use]
    pub(crate) fn with(&self, name: &str, value: impl Display) -> Self {
        self.without(&[name]).and(name, value)
    }

    /// The same without these fields.
    #[must_use]
    pub(crate) fn without(&self, names: &[&str]) -> Self {
        let kept = self.0.iter().filter(|(name, _)| !names.contains(&name.as_str()));
        Self(kept.cloned().collect())
    }

    /// The address of `path` with these fields.
    pub(crate) fn at(&self, frame: &Frame, path: &str) -> String {
        format!("{}{}", frame.at(path), self.query())
    }

    /// `?a=1&b=2`, or nothing.
    pub(crate) fn query(&self) -> String {
        // Texts can always be encoded.
        let text = serde_urlencoded::to_string(&self.0).unwrap_or_default();
        if text.is_empty() { text } else { format!("?{text}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_back_from_the_address_they_make() {
        let fields = Fields::read(b"q=%C3%85sa+L&column=roles&column=days&role=&note=a%0D%0Ab");
        assert_eq!(fields.one("q"), Some("Åsa L"));
        assert_eq!(fields.all("column").collect::<Vec<_>>(), ["roles", "days"]);
        assert_eq!(fields.one("role"), None, "what is empty was not said");
        assert_eq!(fields.one("note"), Some("a\nb"));
        let query = fields.query();
        assert_eq!(Fields::read(query.trim_start_matches('?').as_bytes()), fields);
        assert_eq!(fields.without(&["q", "column", "note"]).query(), "");
        assert_eq!(fields.with("q", "x&y").one("q"), Some("x&y"));
        assert_eq!(fields.stranger(&["q", "column"]), Some("note"));
    }
}
