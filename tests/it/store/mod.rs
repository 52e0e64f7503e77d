//! The store on both engines: every function does what it promises, alone and in a crowd.

mod account;
mod client;
mod console;
mod crowd;
mod directory;
mod entitlement;
mod epoch;
mod evidence;
mod group;
mod identity;
mod item;
mod lifetime;
mod linking;
mod membership;
mod order;
mod outbox;
mod plan;
mod record;
mod same;
pub(crate) mod sample;
mod schema;
mod sign_in;
mod standing;
mod together;
mod transaction;
