//! A compact JWS, taken apart but not believed.
//!
//! Invariant: the claims come out only as the answer to a signature that was
//! verified; header members that name a key (`jku`, `jwk`, `x5u`, `x5c`) are never read.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::algorithm::SigningAlgorithm;
use super::claims::Claims;
use super::error::{Flaw, TokenCheck, TokenKind, printable};
use super::keys::{Finding, KeySet};

/// Longest token, in bytes: Entra's stay under 8 KiB, others with long group lists under 32.
const LONGEST: usize = 64 * 1024;

/// A token in its parts (RFC 7515 §3.1).
pub(super) struct Jws<'a> {
    /// The algorithm, already found on the directory's list.
    pub(super) algorithm: SigningAlgorithm,
    /// The key's name, if the token gives one.
    pub(super) key_id: Option<String>,
    /// What was signed: header and payload as they came.
    pub(super) signed: &'a str,
    /// The signature.
    pub(super) signature: Vec<u8>,
    payload: Vec<u8>,
}

impl<'a> Jws<'a> {
    /// Takes `token` apart and looks at its header.
    ///
    /// # Errors
    ///
    /// A flaw of form, `crit`, `typ` or algorithm.
    pub(super) fn read(token: &'a str, kind: TokenKind, allowed: &[SigningAlgorithm]) -> Result<Self, Flaw> {
        let malformed = |detail: &str| Flaw::new(TokenCheck::Malformed, detail);
        if token.len() > LONGEST {
            return Err(malformed("longer than 65,536 bytes"));
        }
        let (signed, signature) = token.rsplit_once('.').ok_or_else(|| malformed("not three parts"))?;
        let (header, payload) = signed.split_once('.').ok_or_else(|| malformed("not three parts"))?;
        if payload.contains('.') {
            return Err(malformed("more than three parts; encrypted tokens are not supported"));
        }
        let decode = |part: &str| {
            BASE64_URL_SAFE_NO_PAD
                .decode(part)
                .map_err(|_| malformed("a part is not base64url without padding"))
        };
        let header: Map<String, Value> = serde_json::from_slice(&decode(header)?)
            .map_err(|_| malformed("the header is not a JSON object"))?;
        let algorithm = allowed_algorithm(&header, allowed)?;
        if header.contains_key("crit") {
            return Err(Flaw::new(
                TokenCheck::Critical,
                "the header has crit; no critical member is understood",
            ));
        }
        check_type(&header, kind)?;
        let key_id = match header.get("kid") {
            None | Some(Value::Null) => None,
            Some(Value::String(id)) => Some(id.clone()),
            Some(_) => return Err(malformed("kid is not a string")),
        };
        Ok(Self { algorithm, key_id, signed, signature: decode(signature)?, payload: decode(payload)? })
    }

    /// The claims, if one of `keys` signed them.
    ///
    /// # Errors
    ///
    /// A flaw of key or signature, or a payload that is no JSON object.
    pub(super) fn claims(&self, keys: &KeySet) -> Result<Claims, Flaw> {
        match keys.look(self) {
            Finding::Signed => {}
            Finding::NoKey => {
                let detail =
                    format!("no published key fits the token's kid and algorithm {}", self.algorithm);
                return Err(Flaw::new(TokenCheck::Key, detail));
            }
            Finding::NotSigned => {
                return Err(Flaw::new(TokenCheck::Signature, "the signature is not of the key it names"));
            }
        }
        serde_json::from_slice(&self.payload)
            .map(Claims::new)
            .map_err(|_| Flaw::new(TokenCheck::Malformed, "the payload is not a JSON object"))
    }
}

fn allowed_algorithm(
    header: &Map<String, Value>,
    allowed: &[SigningAlgorithm],
) -> Result<SigningAlgorithm, Flaw> {
    let name = header.get("alg").and_then(Value::as_str).unwrap_or_default();
    name.parse().ok().filter(|algorithm| allowed.contains(algorithm)).ok_or_else(|| {
        Flaw::new(
            TokenCheck::Algorithm,
            format!(
                "signed with {:?}, while oidc.algorithms allows {}; change either that setting or the client's at the provider",
                printable(name, 20),
                SigningAlgorithm::list(allowed)
            ),
        )
    })
}

/// Explicit typing (RFC 8725 §3.11): `at+jwt` and its like are other tokens.
fn check_type(header: &Map<String, Value>, kind: TokenKind) -> Result<(), Flaw> {
    let Some(typ) = header.get("typ") else { return Ok(()) };
    let typ = typ.as_str().unwrap_or("?").to_ascii_lowercase();
    let typ = typ.strip_prefix("application/").unwrap_or(&typ);
    let fits = match kind {
        TokenKind::IdToken => !typ.ends_with("+jwt") && typ != "?",
        TokenKind::LogoutToken => matches!(typ, "jwt" | "logout+jwt"),
    };
    if fits { Ok(()) } else { Err(Flaw::new(TokenCheck::Type, format!("typ says {:?}", printable(typ, 40)))) }
}
