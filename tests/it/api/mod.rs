//! What a CRM tells over `/api/v1`, and what it reads back.

mod changes;
mod described;
mod importing;
mod schema;
mod snapshot;
mod telling;
