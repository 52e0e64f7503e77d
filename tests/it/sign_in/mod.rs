//! Signing in and out through the real router, at a provider that signs what a test asks for.
//!
//! Invariant: people arrive over SCIM, and every instant is the test's own.

pub(crate) mod browser;
mod entering;
mod forged;
pub(crate) mod house;
mod inviting;
mod leaving;
mod linking;
mod newcomers;
mod notice;
mod pages;
mod process;
pub(crate) mod provider;
mod proxy;
mod refusing;
mod sessions;
mod step_up;
mod thawing;
