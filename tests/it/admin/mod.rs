//! The console, over HTTP: who may see and do what, and what the pages say.
//!
//! Invariant: people arrive over SCIM, hold their roles by hand, and sign in at the provider.

mod cast;
mod changes;
mod connections;
mod connections_compare;
mod connections_tokens;
mod frame;
mod groups;
mod lifecycle;
mod people;
mod person;
mod person_deeds;
mod policy;
mod queue;
mod reading;
mod rights;
mod speed;
mod start;
