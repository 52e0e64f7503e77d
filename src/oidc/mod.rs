//! The relying party: people sign in at their directory's OpenID provider. And the tokens that we issue as one.
//!
//! Hides the `openidconnect` crate, which verifies signatures; the protocol
//! around it is ours, so that every check has its own reason code.
//!
//! Invariant: no SQL, no routes, no clock. What must be remembered between two
//! requests is handed to the caller, and every instant comes from the caller.

mod algorithm;
mod answer_url;
mod chance;
mod claims;
mod client_key;
mod client_proof;
mod error;
mod groups;
mod http_client;
mod id_token;
mod issue;
mod issuer;
mod jws;
mod keys;
mod logout;
mod metadata;
mod person;
mod provider;
mod public_key;
mod pushed_request;
mod relying_party;
mod return_to;
mod seal;
mod settings;
mod sign_in;
mod token_request;

#[cfg(test)]
mod conversation_tests;
#[cfg(test)]
mod forged_token_tests;
#[cfg(test)]
mod issue_tests;
#[cfg(test)]
mod practice_provider;

pub use algorithm::{SigningAlgorithm, UnknownAlgorithm};
pub use answer_url::answer_url;
pub use chance::is_proof;
pub use client_key::{AssertionAudience, ClientKey};
pub use error::{Endpoint, OidcError, TokenCheck, TokenKind};
pub use groups::GroupsClaim;
pub use http_client::{HttpClient, HttpLimits};
pub use issue::{Farewell, Hint, IdToken, IssueError, IssuerKey, make_key, read_hint};
pub use logout::LogoutToken;
pub use person::Verified;
pub use pushed_request::PushedRequests;
pub use relying_party::RelyingParty;
pub use return_to::{LocalPath, local_path};
pub use seal::SnapshotSeal;
pub use settings::{ProviderKind, RelyingPartySettings};
pub use sign_in::{Callback, Prompt, SignInRequest, Start};
