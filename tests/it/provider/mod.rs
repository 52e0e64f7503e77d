//! Portvakt as the OpenID provider of CRMs, through the real router.
//!
//! Invariant: a person comes in through the directory's provider, never by a row that a test wrote.

mod asking;
mod crm;
mod entering;
mod guarding;
mod keys;
mod leaving;
mod refusing;
mod renewing;
mod telling;
