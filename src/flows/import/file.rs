//! Reads a CRM's list of users from a file that some spreadsheet wrote.
//!
//! Invariant: every row is understood or named with its line and column; nothing is guessed of bytes, dates or titles.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::domain::first_match::CrmUser;
use crate::domain::named::named;
use crate::flows::report::unguarded;

/// The longest cell that is taken, in characters.
const LONGEST: usize = 256;

/// What a column tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// The CRM's own id of the user.
    CrmId,
    /// The sign-in name.
    UserName,
    /// The directory's own id of the person.
    ExternalId,
    /// The address.
    Email,
    /// What people call the person.
    Name,
    /// When the CRM made the user.
    Created,
    /// When the person last signed in there.
    LastLogin,
}

named!(
    Column,
    CrmId = "crm_id",
    UserName = "user_name",
    ExternalId = "external_id",
    Email = "email",
    Name = "name",
    Created = "created",
    LastLogin = "last_login",
);

impl Column {
    /// The titles that are known for it, in small letters.
    const fn titles(self) -> &'static [&'static str] {
        match self {
            Self::CrmId => &["crm_id", "id", "user_id", "userid", "användar-id", "användarid"],
            Self::UserName => {
                &["user_name", "username", "login", "användarnamn", "inloggning", "inloggningsnamn"]
            }
            Self::ExternalId => &["external_id", "externalid", "object_id", "objectid", "oid"],
            Self::Email => &["email", "e-mail", "mail", "e-post", "epost", "e-postadress"],
            Self::Name => &["name", "display_name", "displayname", "full name", "namn"],
            Self::Created => &["created", "created_at", "created at", "skapad", "upplagd"],
            Self::LastLogin => &[
                "last_login",
                "last login",
                "last_sign_in",
                "last sign-in",
                "senast inloggad",
                "senaste inloggning",
            ],
        }
    }
}

/// How the bytes of a file are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// As UTF-8.
    #[default]
    Utf8,
    /// As ISO 8859-1.
    Latin1,
}

/// A file and how it is to be read.
#[derive(Debug, Clone, Default)]
pub struct Sheet {
    /// What it is called.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
    /// What stands between its cells; nothing: what its titles show.
    pub separator: Option<u8>,
    /// How its bytes are to be read.
    pub encoding: Encoding,
}

/// What is wrong in a file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub file: String,
    /// The line, the first being 1.
    pub line: u64,
    /// The title of the column.
    pub column: Option<String>,
    /// What is wrong, and how to mend it.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if let Some(column) = &self.column {
            write!(f, "{column}: ")?;
        }
        f.write_str(&self.what)
    }
}

/// A table with titles.
pub(super) struct Table {
    file: String,
    titles: Vec<String>,
    /// Each row with its line.
    rows: Vec<(u64, Vec<String>)>,
    /// What is wrong with rows that are none.
    faults: Vec<Fault>,
}

impl Table {
    /// Takes a file apart.
    pub(super) fn read(sheet: &Sheet) -> Result<Self, Vec<Fault>> {
        let fault = |line: u64, what: String| Fault { file: sheet.name.clone(), line, column: None, what };
        let text = decode(sheet).map_err(|(line, what)| vec![fault(line, what)])?;
        let separator = sheet.separator.unwrap_or_else(|| separator_of(&text));
        let mut reader =
            csv::ReaderBuilder::new().delimiter(separator).flexible(true).from_reader(text.as_bytes());
        let titles: Vec<String> = match reader.headers() {
            Ok(titles) => titles.iter().map(|title| title.trim().to_owned()).collect(),
            Err(error) => return Err(vec![fault(1, error.to_string())]),
        };
        let (mut rows, mut faults) = (Vec::new(), Vec::new());
        for record in reader.records() {
            match record {
                Ok(record) => {
                    let line = record.position().map_or(0, |position| line_at(&text, position));
                    let cells: Vec<String> =
                        record.iter().map(|cell| unguarded(cell.trim()).to_owned()).collect();
                    if cells.iter().all(String::is_empty) {
                        continue;
                    }
                    if cells.len() != titles.len() {
                        let what = format!(
                            "it has {} cells, the titles are {}; is a separator within a cell not quoted?",
                            cells.len(),
                            titles.len()
                        );
                        faults.push(fault(line, what));
                        continue;
                    }
                    rows.push((line, cells));
                }
                Err(error) => {
                    faults.push(fault(error.position().map_or(0, csv::Position::line), error.to_string()));
                }
            }
        }
        Ok(Self { file: sheet.name.clone(), titles, rows, faults })
    }

    /// What was found, where nothing is wrong; else every mistake, those of rows that are none among them.
    pub(super) fn sound<T>(&self, found: T, more: Vec<Fault>) -> Result<T, Vec<Fault>> {
        let mut faults = [self.faults.clone(), more].concat();
        faults.sort_by_key(|fault| fault.line);
        if faults.is_empty() { Ok(found) } else { Err(faults) }
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = (u64, &[String])> {
        self.rows.iter().map(|(line, cells)| (*line, cells.as_slice()))
    }

    /// Where a title stands, whatever its case.
    pub(super) fn place(&self, title: &str) -> Option<usize> {
        let wanted = title.trim().to_lowercase();
        self.titles.iter().position(|known| known.to_lowercase() == wanted)
    }

    pub(super) fn fault(&self, line: u64, place: Option<usize>, what: impl Into<String>) -> Fault {
        let column = place.and_then(|place| self.titles.get(place)).cloned();
        Fault { file: self.file.clone(), line, column, what: what.into() }
    }

    pub(super) fn titles(&self) -> String {
        self.titles.join(", ")
    }
}

/// The line of a record: where the reader stood before it, and the empty lines that it passed over from there.
fn line_at(text: &str, position: &csv::Position) -> u64 {
    let begins = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let ahead = text.get(begins..).unwrap_or_default();
    let passed = ahead.chars().take_while(|c| matches!(c, '\n' | '\r')).filter(|c| *c == '\n').count();
    position.line() + passed as u64
}

fn decode(sheet: &Sheet) -> Result<String, (u64, String)> {
    let bytes = sheet.bytes.as_slice();
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err((1, "the file is UTF-16 (\"Unicode text\"); save it as CSV UTF-8".to_owned()));
    }
    if sheet.encoding == Encoding::Latin1 {
        return Ok(bytes.iter().map(|byte| char::from(*byte)).collect());
    }
    let bytes = bytes.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(bytes);
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = good.split(|byte| *byte == b'\n').count() as u64;
        let byte = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
        let what = format!(
            "byte 0x{byte:02X} is not UTF-8; save the file as CSV UTF-8, or say --encoding latin-1 where an older Windows or Excel wrote it"
        );
        (line, what)
    })
}

/// What the line of titles has most of.
fn separator_of(text: &str) -> u8 {
    let titles = text.lines().next().unwrap_or_default();
    let count = |separator: u8| titles.matches(char::from(separator)).count();
    [b';', b'\t'].into_iter().fold(b',', |best, one| if count(one) > count(best) { one } else { best })
}

/// The users of a list, and the titles that nobody knows. Whoever reads it says where a day begins.
pub(super) fn users(
    table: &Table,
    columns: &BTreeMap<Column, String>,
    zone: &TimeZone,
    now: Timestamp,
) -> Result<Vec<CrmUser>, Vec<Fault>> {
    let mut places: BTreeMap<Column, usize> = BTreeMap::new();
    let mut faults = Vec::new();
    for column in Column::ALL {
        let place = match columns.get(column) {
            None => column.titles().iter().find_map(|title| table.place(title)),
            Some(title) => table.place(title).or_else(|| {
                let what = format!("there is no column {title:?}; the titles are {}", table.titles());
                faults.push(table.fault(1, None, what));
                None
            }),
        };
        places.extend(place.map(|place| (*column, place)));
    }
    if !places.contains_key(&Column::CrmId) {
        let what = format!(
            "no column tells the CRM's own id; the titles are {}. Say which it is: --column crm_id=TITLE",
            table.titles()
        );
        faults.push(table.fault(1, None, what));
        return Err(faults);
    }
    let (mut users, mut seen) = (Vec::new(), BTreeMap::new());
    for (line, cells) in table.rows() {
        let reader = Row { table, places: &places, line, cells };
        match reader.user(zone, now) {
            Ok(user) => {
                if let Some(before) = seen.insert(user.crm_id.clone(), line) {
                    let what = format!("{:?} stands in line {before} already; each user once", user.crm_id);
                    faults.push(table.fault(line, places.get(&Column::CrmId).copied(), what));
                }
                users.push(user);
            }
            Err(more) => faults.extend(more),
        }
    }
    table.sound(users, faults)
}

/// A row that is being read.
struct Row<'t> {
    table: &'t Table,
    places: &'t BTreeMap<Column, usize>,
    line: u64,
    cells: &'t [String],
}

impl Row<'_> {
    fn user(&self, zone: &TimeZone, now: Timestamp) -> Result<CrmUser, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut text = |column: Column| match self.text(column) {
            Ok(text) => text,
            Err(fault) => {
                faults.push(fault);
                None
            }
        };
        let crm_id = text(Column::CrmId);
        let (user_name, external_id) = (text(Column::UserName), text(Column::ExternalId));
        let (email, name) = (text(Column::Email), text(Column::Name));
        let mut instant = |column: Column| match self.instant(column, zone, now) {
            Ok(at) => at,
            Err(fault) => {
                faults.push(fault);
                None
            }
        };
        let (created, last_login) = (instant(Column::Created), instant(Column::LastLogin));
        let Some(crm_id) = crm_id else {
            faults.push(self.fault(Column::CrmId, "it is empty; every user has an id"));
            return Err(faults);
        };
        let user =
            CrmUser { line: self.line, crm_id, user_name, external_id, email, name, created, last_login };
        if faults.is_empty() { Ok(user) } else { Err(faults) }
    }

    fn text(&self, column: Column) -> Result<Option<String>, Fault> {
        let Some(cell) = self.places.get(&column).and_then(|place| self.cells.get(*place)) else {
            return Ok(None);
        };
        if cell.chars().any(char::is_control) {
            return Err(self.fault(column, "it holds a line break or another control character"));
        }
        if cell.chars().count() > LONGEST {
            return Err(self.fault(column, format!("it is longer than {LONGEST} characters")));
        }
        Ok(Some(cell.clone()).filter(|cell| !cell.is_empty()))
    }

    fn instant(&self, column: Column, zone: &TimeZone, now: Timestamp) -> Result<Option<Timestamp>, Fault> {
        let Some(text) = self.text(column)? else { return Ok(None) };
        let read = text.parse::<Timestamp>().ok().or_else(|| {
            let local: DateTime = text.parse().ok()?;
            Some(local.to_zoned(zone.clone()).ok()?.timestamp())
        });
        let at = read.ok_or_else(|| {
            let what = format!("{text:?} is no date; write 2026-03-01, 2026-03-01 08:00 or 2026-03-01T08:00:00Z, and nothing where there is none");
            self.fault(column, what)
        })?;
        if at > now {
            return Err(self.fault(column, format!("{text:?} has not come yet")));
        }
        Ok(Some(at))
    }

    fn fault(&self, column: Column, what: impl Into<String>) -> Fault {
        self.table.fault(self.line, self.places.get(&column).copied(), what)
    }
}

/// The columns that somebody names, as `crm_id=TITLE`.
///
/// # Errors
///
/// What is wrong with one of them.
pub fn columns<'a>(named: impl IntoIterator<Item = &'a str>) -> Result<BTreeMap<Column, String>, String> {
    let mut columns = BTreeMap::new();
    for text in named {
        let known: BTreeSet<&str> = Column::ALL.iter().map(|column| column.name()).collect();
        let known = known.into_iter().collect::<Vec<_>>().join(", ");
        let (name, title) =
            text.split_once('=').ok_or_else(|| format!("write crm_id=TITLE, not {text:?}"))?;
        let column = Column::from_name(name.trim());
        let column = column.ok_or_else(|| format!("{name:?} is none of the columns: {known}"))?;
        columns.insert(column, title.trim().to_owned());
    }
    Ok(columns)
}
