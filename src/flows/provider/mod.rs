//! Signs people in to CRMs that speak OpenID Connect: Portvakt as their provider.
//!
//! A client sends the browser here with a request; whoever has no session signs in at the directory first, and comes
//! back to the request. A code goes to the client, which exchanges it for tokens. When the session or the account
//! ends, the client is told.
//!
//! Invariant: nothing that a client holds outlives the session it came from, and each step asks anew whether the
//! account may enter this client now. Of codes and tokens only hashes are kept.

mod authorize;
mod client;
mod enter;
mod entrant;
mod follow;
mod keys;
mod logout;
mod metadata;
mod request;
mod sign_in_first;
mod tell;
mod tokens;
mod userinfo;

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

use super::Refusal;
use crate::config::{Client, Settings};
use crate::crm::BackChannel;
use crate::domain::ids::ClientId;

pub use authorize::{Answer, Step, Untrusted, arrive, resume};
pub use client::{Authenticated, Credentials, authenticate};
pub use enter::TurnedAway;
pub use entrant::Closed;
pub(super) use follow::{follow, vouch};
pub(super) use keys::for_snapshots;
pub use keys::{Kept, Key, keep as keep_keys, keys as list_keys, replace as replace_keys};
pub use logout::{LogoutRequest, LogoutStep, confirmed, log_out};
pub use metadata::{allows_origin, discovery, key_set};
pub use request::{OAuthError, Parameters};
pub(super) use sign_in_first::asked_of_sign_in;
pub use tell::{Told, has_ended, is_due, queue_ended, tell};
pub use tokens::{TokenAnswer, exchange};
pub use userinfo::userinfo;

/// What the provider keeps at hand: its clients, its keys, the ways to its clients.
#[derive(Debug)]
pub struct Issuing {
    clients: BTreeMap<ClientId, Arc<Client>>,
    channels: BTreeMap<ClientId, BackChannel>,
    keyring: ArcSwapOption<keys::Keyring>,
    guesses: client::Guesses,
}

impl Issuing {
    /// The clients of the settings. Nothing is read or asked yet.
    ///
    /// # Errors
    ///
    /// [`Refusal::Invalid`] when a client cannot be told of logouts as it is set.
    pub fn new(settings: &Settings) -> Result<Self, Refusal> {
        let mut channels = BTreeMap::new();
        for client in &settings.clients {
            let Some(url) = &client.backchannel_logout_uri else { continue };
            let channel = BackChannel::new(url.clone(), client.allow_private).map_err(|error| {
                Refusal::invalid(format!("client {}: backchannel_logout_uri", client.id), error)
            })?;
            channels.insert(client.id.clone(), channel);
        }
        let clients = settings.clients.iter().map(|client| (client.id.clone(), Arc::new(client.clone())));
        Ok(Self {
            clients: clients.collect(),
            channels,
            keyring: ArcSwapOption::empty(),
            guesses: client::Guesses::default(),
        })
    }

    /// The client of that id.
    fn client(&self, id: &str) -> Option<&Arc<Client>> {
        self.clients.get(&ClientId::parse(id).ok()?)
    }
}

fn count(client: &ClientId, outcome: &'static str) {
    let labels = [("client", client.to_string()), ("outcome", outcome.to_owned())];
    metrics::counter!("portvakt_client_sign_ins_total", &labels).increment(1);
}
