//! A TOML document as a tree in which every value knows where it stands.
//!
//! Invariant: nothing of the document is lost or judged here. The tree has no `Debug`, because it
//! holds secrets in clear.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Where a value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the file; both counted from 1, the column in characters.
    Line { line: u32, column: u32 },
    /// In this environment variable.
    Environment(String),
    /// Nowhere: what is missing altogether.
    Nowhere,
}

/// A value and where it stands.
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) at: Place,
}

/// A value of TOML.
pub(crate) enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Flag(bool),
    /// A date or a number that no key takes; with the words for it.
    Other(&'static str),
    List(Vec<Node>),
    Table(Table),
}

impl Value {
    /// What it is, in words for a mistake.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::Flag(_) => "true or false",
            Self::Other(words) => words,
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// The keys of a table, in the order of the document.
#[derive(Default)]
pub(crate) struct Table {
    entries: Vec<Entry>,
}

/// One key of a table.
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_at: Place,
    pub(crate) node: Node,
}

impl Table {
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.entries.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.node)
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Puts `node` under `key`, instead of what stood there.
    pub(crate) fn set(&mut self, key: &str, node: Node) {
        self.remove(key);
        self.entries.push(Entry { key: key.to_owned(), key_at: node.at.clone(), node });
    }

    pub(crate) fn remove(&mut self, key: &str) {
        self.entries.retain(|entry| entry.key != key);
    }
}

/// What the parser says of a key that stands twice.
const DUPLICATE: &str = "duplicate key";

/// Something that is not TOML.
pub(crate) struct SyntaxMistake {
    pub(crate) message: String,
    pub(crate) at: Place,
}

/// Reads a document; what could be read in spite of the mistakes is in the table.
pub(crate) fn parse(text: &str) -> (Table, Vec<SyntaxMistake>) {
    let lines = Lines::of(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    let first = errors.first().map(toml::de::Error::message);
    let mistakes = errors
        .iter()
        // After a broken head, the keys below it seem to stand twice in the table before; that helps nobody.
        .filter(|error| error.message() != DUPLICATE || first == Some(DUPLICATE))
        .map(|error| SyntaxMistake {
            message: error.message().to_owned(),
            at: error.span().map_or(Place::Nowhere, |span| lines.place(text, span.start)),
        })
        .collect();
    (convert_table(table.into_inner(), text, &lines), mistakes)
}

/// Reads one value on its own, as an environment variable holds it; nothing where it is not TOML.
pub(crate) fn parse_value(text: &str, at: &Place) -> Option<Node> {
    let value = DeValue::parse(text).ok()?;
    let mut node = convert(value, text, &Lines::of(text));
    move_to(&mut node, at);
    Some(node)
}

fn move_to(node: &mut Node, at: &Place) {
    node.at = at.clone();
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| move_to(item, at)),
        Value::Table(table) => {
            for entry in &mut table.entries {
                entry.key_at = at.clone();
                move_to(&mut entry.node, at);
            }
        }
        Value::Text(_) | Value::Integer(_) | Value::Float(_) | Value::Flag(_) | Value::Other(_) => {}
    }
}

fn convert(value: Spanned<DeValue<'_>>, text: &str, lines: &Lines) -> Node {
    let at = lines.place(text, value.span().start);
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::Other("a number that is too large"), Value::Integer),
        DeValue::Float(number) => {
            number.as_str().parse().map_or(Value::Other("a number that is too large"), Value::Float)
        }
        DeValue::Boolean(flag) => Value::Flag(flag),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Array(items) => {
            Value::List(items.into_iter().map(|item| convert(item, text, lines)).collect())
        }
        DeValue::Table(table) => Value::Table(convert_table(table, text, lines)),
    };
    Node { value, at }
}

fn convert_table(table: DeTable<'_>, text: &str, lines: &Lines) -> Table {
    let mut keyed: Vec<(usize, Entry)> = table
        .into_iter()
        .map(|(key, value)| {
            let start = key.span().start;
            let key_at = lines.place(text, start);
            (start, Entry { key: key.into_inner().into_owned(), key_at, node: convert(value, text, lines) })
        })
        .collect();
    keyed.sort_by_key(|(start, _)| *start);
    Table { entries: keyed.into_iter().map(|(_, entry)| entry).collect() }
}

/// Where each line begins, in bytes.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        let after_breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self(std::iter::once(0).chain(after_breaks).collect())
    }

    fn place(&self, text: &str, byte: usize) -> Place {
        let line = self.0.partition_point(|start| *start <= byte);
        let start = line.checked_sub(1).and_then(|index| self.0.get(index)).copied().unwrap_or_default();
        let column = text.get(start..byte).map_or(0, |before| before.chars().count()) + 1;
        let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Place::Line { line: small(line), column: small(column) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_and_key_knows_its_line_and_column() {
        let text =
            "a = 1\n[[rule]]\nid = \"x\"\n\n[[rule]]\n# å\nid = \"y\"\ngives = { roles = [\"å\", \"b\"] }\n";
        let (table, mistakes) = parse(text);
        assert!(mistakes.is_empty());
        let Some(Node { value: Value::List(rules), .. }) = table.get("rule") else { panic!("no list") };
        assert_eq!(rules[0].at, Place::Line { line: 2, column: 1 });
        assert_eq!(rules[1].at, Place::Line { line: 5, column: 1 });
        let Value::Table(second) = &rules[1].value else { panic!("no table") };
        assert_eq!(second.get("id").map(|node| &node.at), Some(&Place::Line { line: 7, column: 6 }));
        let Some(Node { value: Value::Table(gives), .. }) = second.get("gives") else { panic!("no table") };
        let Some(Node { value: Value::List(names), .. }) = gives.get("roles") else { panic!("no list") };
        assert_eq!(names[1].at, Place::Line { line: 8, column: 25 });
    }

    #[test]
    fn all_that_is_not_toml_is_reported_and_the_rest_is_read() {
        let (table, mistakes) = parse("a = \nb = 2\nc = \"open\nd = 4\n");
        assert_eq!(mistakes.len(), 2, "{:?}", mistakes.iter().map(|m| &m.message).collect::<Vec<_>>());
        assert_eq!(mistakes[0].at, Place::Line { line: 1, column: 5 });
        assert!(matches!(table.get("b").map(|node| &node.value), Some(Value::Integer(2))));
    }
    #[test]
    fn a_broken_head_is_told_once_and_a_key_that_stands_twice_is_told_where_nothing_else_is_wrong() {
        let told = |text: &str| parse(text).1.into_iter().map(|mistake| mistake.message).collect::<Vec<_>>();
        assert_eq!(
            told("[a\nid = 1\n[[b]]\nid = 1\n[c\nid = 2\nid = 3\n")
                .iter()
                .filter(|m| *m == DUPLICATE)
                .count(),
            0
        );
        assert_eq!(told("a = 1\na = 2\n"), [DUPLICATE]);
    }
}
