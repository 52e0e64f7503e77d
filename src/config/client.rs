//! The CRMs that sign people in through Portvakt.
//!
//! Invariant: where a code may be sent is listed address by address and compared exactly
//! (RFC 9700 §2.1).

use super::address;
use super::directory::report_doubles;
use super::field::Field;
use super::reading::Section;
use super::secret::Secret;

/// One `[[client]]`.
#[derive(Debug, Clone)]
pub struct Client {
    /// The client id of OpenID Connect.
    pub id: String,
    /// As people read it. Default the id.
    pub name: String,
    /// What proves that it is the client.
    pub secret: Secret,
    /// Where a code may be sent; compared exactly.
    pub redirect_uris: Vec<String>,
    /// Where a browser may be sent after signing out; compared exactly.
    pub post_logout_redirect_uris: Vec<String>,
    /// Where the client is told that a session has ended (OpenID Connect Back-Channel Logout 1.0).
    pub backchannel_logout_uri: Option<String>,
}

/// Reads an address and keeps it as it was written, because it is compared exactly.
fn exact(field: &Field<'_>) -> Option<String> {
    let text = field.text()?;
    let url = field.accept(address::web(text))?;
    if url.scheme() == "http" && !address::is_loopback(&url) {
        field.doubtful("plain http lets others read what is sent here", "use https");
    }
    Some(text.to_owned())
}

fn client(section: &Section<'_>) -> Option<Client> {
    let id = section
        .required("id", "write the client id that the CRM uses")
        .and_then(|field| field.text().map(str::to_owned));
    let secret = section.required_secret("secret");
    let fix = "list the addresses where the CRM takes its codes: [\"https://crm.example/callback\"]";
    let redirect_uris: Vec<String> = match section.required("redirect_uris", fix) {
        Some(field) => {
            let items = field.items();
            if items.is_empty() {
                field.wrong("it lists no address", fix);
            }
            items.iter().filter_map(exact).collect()
        }
        None => Vec::new(),
    };
    let post_logout_redirect_uris =
        section.list("post_logout_redirect_uris").iter().filter_map(exact).collect();
    let backchannel_logout_uri = section.field("backchannel_logout_uri").and_then(|field| exact(&field));
    let name = section.text("name");
    let id = id?;
    let name = name.unwrap_or_else(|| id.clone());
    Some(Client {
        id,
        name,
        secret: secret?,
        redirect_uris,
        post_logout_redirect_uris,
        backchannel_logout_uri,
    })
}

pub(crate) fn clients(root: &Section<'_>) -> Vec<Client> {
    let sections = root.each("client");
    report_doubles(&sections, "client");
    sections.iter().filter_map(client).collect()
}
