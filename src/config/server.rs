//! Where the daemon listens, what it calls itself, and how long a session lives.
//!
//! Invariant: the public address is never taken from a request, so it must be set here.

use std::net::SocketAddr;

use jiff::SignedDuration;

use super::address::PublicUrl;
use super::field::Field;
use super::mistake::Problem;
use super::reading::Section;
use super::secret::Secret;

/// The section `[server]`.
#[derive(Debug, Clone)]
pub struct Server {
    /// Where HTTP is served.
    pub listen: SocketAddr,
    /// What browsers and identity providers see.
    pub public_url: PublicUrl,
    /// Other hosts at which browsers reach Portvakt, through the proxy of a CRM; with the path of `public_url`.
    pub also_at: Vec<PublicUrl>,
    /// Where `/metrics` is served on its own; nothing: on `listen`, for who holds the token.
    pub metrics_listen: Option<SocketAddr>,
    /// What must be shown to read `/metrics`.
    pub metrics_token: Option<Secret>,
    /// Largest request body, in bytes. Default 1 MiB.
    pub request_limit_bytes: usize,
    /// A request's head must have come within this time. Default 10 seconds.
    pub head_within: SignedDuration,
    /// A request's body must have come within this time. Default 30 seconds.
    pub body_within: SignedDuration,
    /// A request must be answered within this time, its body included. Default 60 seconds.
    pub answer_within: SignedDuration,
    /// Connections in all. Default 4,096.
    pub connections: usize,
    /// Connections from one address. Default 2,048.
    pub connections_per_source: usize,
    /// How long requests may take to end after SIGTERM. Default 20 seconds.
    pub shutdown_grace: SignedDuration,
}

/// The section `[sessions]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sessions {
    /// A session ends when it has not been used for this long. Default 30 minutes.
    pub idle: SignedDuration,
    /// A session ends this long after the sign-in. Default 12 hours.
    pub absolute: SignedDuration,
}

fn listen(field: &Field<'_>) -> Option<SocketAddr> {
    field.parse(|text| {
        text.parse().map_err(|_| {
            Problem::new(
                format!("{text:?} is not an IP address with a port"),
                "write it as \"127.0.0.1:8080\", or \"0.0.0.0:8080\" for every address of the machine",
            )
        })
    })
}

/// The other addresses: each a host with the path that the public address has, and https where that is.
fn also_at(section: &Section<'_>, public_url: Option<&PublicUrl>) -> Vec<PublicUrl> {
    let mut others: Vec<PublicUrl> = Vec::new();
    for item in section.list("also_at") {
        let Some(other) = item.parse(PublicUrl::read) else { continue };
        let Some(public_url) = public_url else { continue };
        if other.path() != public_url.path() {
            item.wrong(
                format!("its path is {:?}, and that of public_url is {:?}", other.path(), public_url.path()),
                "give both the same path, for the pages name it",
            );
        } else if other.is_https() != public_url.is_https() {
            item.wrong("one of it and public_url is https and the other is not", "use https for both");
        } else if other == *public_url || others.contains(&other) {
            item.wrong("it is listed already", "leave it out");
        } else {
            others.push(other);
        }
    }
    others
}

pub(crate) fn server(section: &Section<'_>) -> Option<Server> {
    let address = section
        .field("listen")
        .map_or_else(|| Some(SocketAddr::from(([127, 0, 0, 1], 8080))), |field| listen(&field));
    let public_url = section
        .required("public_url", "write the address that browsers see, such as \"https://portvakt.example\"")
        .and_then(|field| field.parse(PublicUrl::read));
    let also_at = also_at(section, public_url.as_ref());
    let metrics_listen = section.field("metrics_listen").and_then(|field| {
        let own = listen(&field);
        if own.is_some() && own == address {
            field.wrong(
                "it is the same address as listen",
                "give /metrics another port, or leave the key out",
            );
        }
        own
    });
    let limit = section.field("request_limit_bytes").and_then(|field| field.whole(&(1_024..=1_073_741_824)));
    let duration = |key| section.field(key).and_then(|field| field.duration());
    let whole = |key| section.field(key).and_then(|field| field.whole(&(1..=1_000_000)));
    let count = |key, default| whole(key).and_then(|number| usize::try_from(number).ok()).unwrap_or(default);
    let (head, body) = (duration("head_within"), duration("body_within"));
    let (answer, grace) = (duration("answer_within"), duration("shutdown_grace"));
    let metrics_token = section.secret("metrics_token");
    Some(Server {
        listen: address?,
        public_url: public_url?,
        also_at,
        metrics_listen,
        metrics_token,
        request_limit_bytes: limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(1_048_576),
        head_within: head.unwrap_or(SignedDuration::from_secs(10)),
        body_within: body.unwrap_or(SignedDuration::from_secs(30)),
        answer_within: answer.unwrap_or(SignedDuration::from_secs(60)),
        connections: count("connections", 4_096),
        connections_per_source: count("connections_per_source", 2_048),
        shutdown_grace: grace.unwrap_or(SignedDuration::from_secs(20)),
    })
}

pub(crate) fn sessions(section: Option<&Section<'_>>) -> Sessions {
    let duration = |key| section.and_then(|section| section.field(key)).and_then(|field| field.duration());
    let sessions = Sessions {
        idle: duration("idle").unwrap_or(SignedDuration::from_mins(30)),
        absolute: duration("absolute").unwrap_or(SignedDuration::from_hours(12)),
    };
    if let Some(section) = section.filter(|_| sessions.idle > sessions.absolute) {
        section.wrong("idle is longer than absolute", "make idle the shorter of the two");
    }
    sessions
}
