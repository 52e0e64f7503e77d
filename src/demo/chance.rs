//! Random values for the practice parts.
//!
//! Invariant: every value has 256 bits from the operating system.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use rand::TryRng;
use rand::rngs::SysRng;

use super::error::DemoError;

/// 32 random bytes.
///
/// # Errors
///
/// [`DemoError::NoRandomness`] when the operating system gives none.
pub fn bytes() -> Result<[u8; 32], DemoError> {
    let mut bytes = [0; 32];
    SysRng.try_fill_bytes(&mut bytes).map_err(|error| DemoError::NoRandomness(error.to_string()))?;
    Ok(bytes)
}

/// A random value as 43 characters of base64url.
///
/// # Errors
///
/// [`DemoError::NoRandomness`] when the operating system gives none.
pub fn text() -> Result<String, DemoError> {
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes()?))
}

/// A key for signing messages: `whsec_` and base64 (Standard Webhooks 1.0).
///
/// # Errors
///
/// [`DemoError::NoRandomness`] when the operating system gives none.
pub fn signing_key() -> Result<String, DemoError> {
    Ok(format!("whsec_{}", BASE64_STANDARD.encode(bytes()?)))
}
