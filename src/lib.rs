//! Portvakt: the gatekeeper between an identity provider and a CRM.
//!
//! A folder is a floor, and a floor uses only what lies below it:
//!
//! ```text
//! domain <- {config, store, scim, oidc, pull, crm, mail} <- flows <- {http, jobs} <- app <- demo <- cli <- main
//! ```
//!
//! `http` also uses `scim` and `domain`. `tests/it/architecture.rs` holds the
//! same table and fails when somebody builds across it.
//!
//! | word | meaning |
//! | --- | --- |
//! | directory | one connection to an identity provider |
//! | identity | what one directory says about one person |
//! | group | what one directory says about one group |
//! | account | one person's account in the CRM |
//! | module, role | a function of the CRM; a named set of modules |
//! | limited, sector | an account confined to its functional parts of the CRM |
//! | component, item | a kind of thing in the CRM; one such thing |
//! | link, assignment | what lets an item-restricted account see an item |
//! | grant | one role, sector, limit or link that somebody holds, with its origin |
//! | rule, policy | which groups give which grants; the one document that says so |
//! | evidence | the sources that say when a person was last seen |
//! | plan | what a run would do, person by person, frozen under a hash |
//! | target | a CRM that is told |

pub mod app;
pub mod cli;
pub mod config;
pub mod crm;
pub mod demo;
pub mod domain;
pub mod flows;
pub mod http;
pub mod jobs;
pub mod mail;
pub mod oidc;
pub mod pull;
pub mod scim;
pub mod store;
pub mod telemetry;
