//! Checks on the whole: the plan of the house, what it is built from, and the daemon seen from outside.
//!
//! Each module is declared under `#[cfg(test)]`, which is always so here: it tells clippy that its small
//! functions, too, may stop the test with `unwrap` and `expect`.

#[cfg(test)]
mod access;
#[cfg(test)]
mod admin;
#[cfg(test)]
mod api;
#[cfg(test)]
mod architecture;
#[cfg(test)]
mod association;
#[cfg(test)]
mod authzen;
#[cfg(test)]
mod chance;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod daemon;
#[cfg(test)]
mod deliver;
#[cfg(test)]
mod dependencies;
#[cfg(test)]
mod directory;
mod documents;
#[cfg(test)]
mod engines;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod house;
#[cfg(test)]
mod jobs;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod list;
#[cfg(test)]
mod mail_server;
#[cfg(test)]
mod network;
#[cfg(test)]
mod policy;
#[cfg(test)]
mod practice_crm;
#[cfg(test)]
mod provider;
#[cfg(test)]
mod provision;
#[cfg(test)]
mod pull;
#[cfg(test)]
mod routes;
#[cfg(test)]
mod running;
#[cfg(test)]
mod scim;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod source;
#[cfg(test)]
mod store;
#[cfg(test)]
mod targets;
