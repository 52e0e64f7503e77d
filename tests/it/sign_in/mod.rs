//! Signing in and out through the real router, at a provider that signs what a test asks for.
//!
//! Invariant: people arrive over SCIM, and every instant is the test's own.

pub(crate) mod browser;
mod entering;
pub(crate) mod house;
mod leaving;
mod pages;
pub(crate) mod provider;
mod refusing;
