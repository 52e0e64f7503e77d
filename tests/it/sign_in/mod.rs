//! Signing in and out through the real router, at a provider that signs what a test asks for.
//!
//! Invariant: people arrive over SCIM, and every instant is the test's own.

mod browser;
mod entering;
mod house;
mod leaving;
mod pages;
pub(crate) mod provider;
mod refusing;
