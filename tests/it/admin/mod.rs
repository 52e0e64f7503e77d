//! The console, over HTTP: who may see and do what, and what the pages say.
//!
//! Invariant: people arrive over SCIM, hold their roles by hand, and sign in at the provider.

mod cast;
mod frame;
mod lifecycle;
mod queue;
mod reading;
