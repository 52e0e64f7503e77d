//! Reads what a mail system sends back about a letter that it could not deliver (RFC 3464).
//!
//! Invariant: only a failure for good counts; that a letter is late, or was delivered, says nothing here.

use uuid::Uuid;

/// What a report says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bounce {
    /// The letter, by the Message-ID that the report repeats.
    pub letter: Option<Uuid>,
    /// The addresses that it failed for.
    pub addresses: Vec<String>,
    /// What the other mail system said, on one line.
    pub said: String,
}

/// Why a message is no report about a letter that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoBounce {
    /// It is none of those reports.
    #[error("it is no report about delivery (RFC 3464): it has no part message/delivery-status")]
    NoReport,
    /// The report tells of no failure for good.
    #[error("it tells of no failure for good: the letter is only late, or was delivered")]
    NoFailure,
}

/// Reads a message as a mail system handed it over.
///
/// # Errors
///
/// [`NoBounce`] when it tells of no letter that failed for good.
pub fn read(message: &[u8]) -> Result<Bounce, NoBounce> {
    let text = unfolded(&String::from_utf8_lossy(message));
    let lines: Vec<&str> = text.lines().collect();
    let is_start = |line: &&str| {
        value(line, "content-type")
            .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("message/delivery-status"))
    };
    let start = lines.iter().position(is_start).ok_or(NoBounce::NoReport)?;
    let report: Vec<&str> =
        lines.iter().skip(start + 1).take_while(|line| !line.starts_with("--")).copied().collect();
    let mut bounce = Bounce::default();
    for group in report.split(|line| line.trim().is_empty()) {
        let field = |name| group.iter().find_map(|line| value(line, name));
        let is_failed = field("action").is_some_and(|action| action.eq_ignore_ascii_case("failed"))
            && field("status").is_none_or(|status| status.starts_with('5'));
        if !is_failed {
            continue;
        }
        let recipient = field("original-recipient").or_else(|| field("final-recipient")).unwrap_or_default();
        let address = recipient.split_once(';').map_or(recipient, |(_, address)| address).trim();
        bounce.addresses.push(address.trim_matches(['<', '>']).to_owned());
        if bounce.said.is_empty() {
            let status = field("status").unwrap_or_default();
            let said = field("diagnostic-code").unwrap_or_default();
            bounce.said = said_of(status, said);
        }
    }
    if bounce.addresses.is_empty() {
        return Err(NoBounce::NoFailure);
    }
    // The letter's own headers come after the report; the report itself has an id too.
    let mut returned = lines.iter().skip(start).filter_map(|line| value(line, "message-id"));
    bounce.letter = returned.find_map(letter_of);
    Ok(bounce)
}

/// The letter that a Message-ID of ours names.
fn letter_of(id: &str) -> Option<Uuid> {
    let (local, _) = id.trim().strip_prefix('<')?.split_once('@')?;
    Uuid::try_parse(local).ok()
}

fn said_of(status: &str, diagnostic: &str) -> String {
    let said = diagnostic.split_once(';').map_or(diagnostic, |(_, said)| said).trim();
    let plain: String =
        format!("{status} {said}").chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.trim().chars().take(300).collect()
}

/// The value of a header line, where it bears that name.
fn value<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    let (found, value) = line.split_once(':')?;
    found.trim().eq_ignore_ascii_case(name).then(|| value.trim())
}

/// Lines with what was folded put together again (RFC 5322 §2.2.3).
fn unfolded(text: &str) -> String {
    text.replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LETTER: &str = "0199c0de-0000-7000-8000-000000000001";

    fn report(action: &str, status: &str) -> String {
        format!(
            "From: MAILER-DAEMON@mx.example\r\nTo: p@b.example\r\nMessage-ID: <report@mx.example>\r\n\
             Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=\"BB\"\r\n\r\n--BB\r\n\
             Content-Type: text/plain\r\n\r\nIt could not be delivered.\r\n\r\n--BB\r\n\
             Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n\
             Final-Recipient: rfc822; asa@x.example\r\nAction: {action}\r\nStatus: {status}\r\n\
             Diagnostic-Code: smtp; 550 5.1.1 no such\r\n mailbox\r\n\r\n--BB\r\n\
             Content-Type: text/rfc822-headers\r\n\r\nFrom: p@b.example\r\nMessage-ID:\r\n <{LETTER}@b.example>\r\n\r\n--BB--\r\n"
        )
    }

    #[test]
    fn a_failure_names_its_letter_its_address_and_what_was_said() {
        let bounce = read(report("failed", "5.1.1").as_bytes()).unwrap();
        assert_eq!(bounce.letter, Some(LETTER.parse().unwrap()));
        assert_eq!(bounce.addresses, ["asa@x.example"]);
        assert_eq!(bounce.said, "5.1.1 550 5.1.1 no such mailbox");
    }

    #[test]
    fn a_letter_that_is_only_late_has_not_failed() {
        assert_eq!(read(report("delayed", "4.4.1").as_bytes()), Err(NoBounce::NoFailure));
        assert_eq!(read(report("delivered", "2.0.0").as_bytes()), Err(NoBounce::NoFailure));
        assert_eq!(read(b"Subject: I am on holiday\r\n\r\nback on Monday"), Err(NoBounce::NoReport));
        assert_eq!(read(&[0xff, 0, 13, 10]), Err(NoBounce::NoReport));
    }

    #[test]
    fn a_report_without_the_letters_headers_still_names_the_address() {
        let report = report("failed", "5.2.1").replace(LETTER, "somebody-elses");
        let bounce = read(report.as_bytes()).unwrap();
        assert_eq!((bounce.letter, bounce.addresses.len()), (None, 1));
    }
}
