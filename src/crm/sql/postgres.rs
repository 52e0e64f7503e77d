//! A CRM's PostgreSQL.
//!
//! Invariant: no statement waits longer than [`STATEMENT`], no connection is asked for longer than [`ACQUIRE`]; another
//! machine is spoken to in TLS alone; a connection whose transaction did not end is closed.

use std::net::IpAddr;
use std::str::FromStr as _;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgRow, PgSslMode, PgTypeInfo};
use sqlx::{
    AssertSqlSafe, Column as _, Either, Executor as _, PgPool, Postgres, Row as _, SqlSafeStr as _,
    Statement as _, Type, TypeInfo as _, ValueRef as _,
};

use super::lane::{Answer, Purpose, Row, too_many};
use super::statement::Statement;
use super::values::{Given, Kind};
use crate::crm::failed::{Failed, shortened};

/// How many accounts are written at the same time.
const CONNECTIONS: u32 = 4;

/// How long a connection is waited for.
const ACQUIRE: Duration = Duration::from_secs(10);

/// A connection that nobody has used for this long is closed.
const REST: Duration = Duration::from_mins(1);

/// From the beginning of 1970 to that of PostgreSQL's time, in seconds.
const EPOCH: i64 = 946_684_800;

/// SQLSTATE of which the account is no cause: connection, database, transaction, locks, resources, operator, system
/// (PostgreSQL, appendix A). 0A000 is a plan that is older than the CRM's tables; 42501 is a missing grant: nothing is
/// lost while somebody gives it.
const FOR_LATER: &[&str] = &["08", "0A000", "25006", "3D", "40", "42501", "53", "55", "57", "58", "XX"];

/// Where a transaction begins; the limits are the server's own, so that nothing goes on there that is given up here.
/// `REPEATABLE READ`: an account that somebody else changes meanwhile is tried again, never overwritten.
const BEGIN_WRITE: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL statement_timeout = '10s'; \
                           SET LOCAL lock_timeout = '5s'; SET LOCAL idle_in_transaction_session_timeout = '30s'";
const BEGIN_READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = '60s'; \
                          SET LOCAL lock_timeout = '5s'; SET LOCAL idle_in_transaction_session_timeout = '5min'";

/// A server, and who we are there.
#[derive(Debug)]
pub(super) struct Server(PgPool);

/// A transaction.
#[derive(Debug)]
pub(super) struct Ride {
    conn: PoolConnection<Postgres>,
    is_over: bool,
}

impl Server {
    /// Connects when it is first needed.
    ///
    /// # Errors
    ///
    /// What is wrong with the address, and what would be right.
    pub(super) fn new(url: &Url, user: &str, password: Option<&SecretString>) -> Result<Self, String> {
        let mut options = PgConnectOptions::from_str(url.as_str())
            .map_err(|_| "the url must be postgres://host/database".to_owned())?
            .username(user)
            .application_name("portvakt")
            .statement_cache_capacity(64);
        if let Some(password) = password {
            options = options.password(password.expose_secret());
        }
        let is_near = is_near(url);
        let has_mode = url.query_pairs().any(|(key, _)| matches!(&*key, "sslmode" | "ssl-mode"));
        if !has_mode && !is_near {
            options = options.ssl_mode(PgSslMode::VerifyFull);
        }
        let is_encrypted = matches!(
            options.get_ssl_mode(),
            PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull
        );
        if !is_near && !is_encrypted {
            return Err("without TLS others on the way read names and rights; leave sslmode out, or write \
                        sslmode=verify-full with sslrootcert=FILE for a certificate of your own"
                .to_owned());
        }
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ACQUIRE)
            .idle_timeout(REST)
            .connect_lazy_with(options);
        Ok(Self(pool))
    }

    pub(super) async fn begin(&self, purpose: Purpose) -> Result<Ride, Failed> {
        let conn = self.0.acquire().await.map_err(|error| failed("connect", &error))?;
        let mut ride = Ride { conn, is_over: false };
        let begin = match purpose {
            Purpose::Read => BEGIN_READ,
            Purpose::Write => BEGIN_WRITE,
        };
        sqlx::raw_sql(begin).execute(&mut *ride.conn).await.map_err(|error| failed("begin", &error))?;
        Ok(ride)
    }
}

/// Whether the server is on this machine.
fn is_near(url: &Url) -> bool {
    let named = url.query_pairs().find(|(key, _)| matches!(&**key, "host" | "hostaddr"));
    match (named, url.host_str()) {
        (Some((_, host)), _) => host.starts_with('/') || is_loopback(&host),
        (None, None | Some("")) => true,
        (None, Some(host)) => host.to_ascii_lowercase().starts_with("%2f") || is_loopback(host),
    }
}

/// An address of this scheme is only a text to the parser, so that a number in it is read here.
fn is_loopback(host: &str) -> bool {
    let number = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || number.is_ok_and(|number| number.to_canonical().is_loopback())
}

impl Drop for Ride {
    fn drop(&mut self) {
        if !self.is_over {
            self.conn.close_on_drop();
        }
    }
}

impl Ride {
    pub(super) async fn run(
        &mut self,
        at: &str,
        statement: &Statement,
        bound: Vec<(Kind, Option<Given>)>,
        most: usize,
    ) -> Result<Answer, Failed> {
        // The text is the operator's own file; what differs from account to account is bound.
        let mut query = sqlx::query(AssertSqlSafe(statement.text.clone()));
        for (kind, value) in bound {
            query = match (kind, value) {
                (_, Some(Given::Text(text))) => query.bind(text),
                (_, Some(Given::Flag(flag))) => query.bind(flag),
                (_, Some(Given::Whole(whole))) => query.bind(whole),
                (Kind::Text, None) => query.bind(None::<String>),
                (Kind::Flag, None) => query.bind(None::<bool>),
                (Kind::Whole, None) => query.bind(None::<i64>),
            };
        }
        let mut answer = Answer::default();
        let mut came = (&mut *self.conn).fetch_many(query);
        while let Some(next) = came.try_next().await.map_err(|error| failed(at, &error))? {
            match next {
                Either::Left(done) => answer.touched += done.rows_affected(),
                Either::Right(_) if answer.rows.len() >= most => return Err(too_many(at, most)),
                Either::Right(row) => answer.rows.push(read(at, &row)?),
            }
        }
        Ok(answer)
    }

    pub(super) async fn prepare(&mut self, at: &str, statement: &Statement) -> Result<Vec<String>, Failed> {
        let types: Vec<PgTypeInfo> = statement
            .names
            .iter()
            .map(|name| match super::values::kind_of(name) {
                Kind::Text => <String as Type<Postgres>>::type_info(),
                Kind::Flag => <bool as Type<Postgres>>::type_info(),
                Kind::Whole => <i64 as Type<Postgres>>::type_info(),
            })
            .collect();
        let text = AssertSqlSafe(statement.text.clone()).into_sql_str();
        let prepared = (&mut *self.conn).prepare_with(text, &types).await;
        let prepared = prepared.map_err(|error| failed(at, &error))?;
        Ok(prepared.columns().iter().map(|column| column.name().to_owned()).collect())
    }

    pub(super) async fn commit(mut self) -> Result<(), Failed> {
        sqlx::raw_sql("COMMIT").execute(&mut *self.conn).await.map_err(|error| failed("commit", &error))?;
        self.is_over = true;
        Ok(())
    }

    /// The connection is closed: what failed on it may have been its plans.
    pub(super) async fn roll_back(mut self) {
        let _ = sqlx::raw_sql("ROLLBACK").execute(&mut *self.conn).await;
    }
}

fn read(at: &str, row: &PgRow) -> Result<Row, Failed> {
    let mut read = Row::new();
    for column in row.columns() {
        let value = cell(row, column.ordinal())
            .map_err(|what| Failed::Refused(format!("{at}: the column {}: {what}", column.name())))?;
        read.insert(column.name().to_owned(), value);
    }
    Ok(read)
}

fn cell(row: &PgRow, at: usize) -> Result<Value, String> {
    let raw = row.try_get_raw(at).map_err(|error| error.to_string())?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let name = raw.type_info().name().to_owned();
    let value = match name.to_ascii_uppercase().as_str() {
        "TEXT" | "VARCHAR" | "CHAR" | "BPCHAR" | "NAME" | "CITEXT" => {
            row.try_get_unchecked::<String, _>(at).map(Value::from)
        }
        "BOOL" => row.try_get::<bool, _>(at).map(Value::from),
        "INT2" => row.try_get::<i16, _>(at).map(Value::from),
        "INT4" => row.try_get::<i32, _>(at).map(Value::from),
        "INT8" => row.try_get::<i64, _>(at).map(Value::from),
        "UUID" => row.try_get::<uuid::Uuid, _>(at).map(|id| Value::from(id.to_string())),
        "JSON" | "JSONB" => row.try_get::<Value, _>(at),
        "TEXT[]" | "VARCHAR[]" => row.try_get::<Vec<String>, _>(at).map(Value::from),
        "TIMESTAMPTZ" | "TIMESTAMP" => {
            return instant(raw.as_bytes().unwrap_or_default(), SignedDuration::from_micros);
        }
        "DATE" => {
            return instant(raw.as_bytes().unwrap_or_default(), |days| {
                SignedDuration::from_hours(days.saturating_mul(24))
            });
        }
        _ => return Err(format!("its type {name} is none that is read; write CAST(… AS TEXT)")),
    };
    value.map_err(|error| error.to_string())
}

/// An instant as PostgreSQL sends it: a number since the beginning of 2000. The ends of its time are none.
fn instant(bytes: &[u8], unit: fn(i64) -> SignedDuration) -> Result<Value, String> {
    let (count, is_end) = if let Ok(bytes) = <[u8; 8]>::try_from(bytes) {
        let count = i64::from_be_bytes(bytes);
        (count, matches!(count, i64::MIN | i64::MAX))
    } else if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        let count = i32::from_be_bytes(bytes);
        (i64::from(count), matches!(count, i32::MIN | i32::MAX))
    } else {
        return Err("it is no instant".to_owned());
    };
    if is_end {
        return Ok(Value::Null);
    }
    let since = unit(count).checked_add(SignedDuration::from_secs(EPOCH));
    let at = since.and_then(|since| Timestamp::UNIX_EPOCH.checked_add(since).ok());
    at.map(|at| Value::from(at.to_string())).ok_or_else(|| "it is beyond all years".to_owned())
}

/// What a failure means. Of what the server said only its message is kept: the detail may hold a person's values.
pub(super) fn failed(at: &str, error: &sqlx::Error) -> Failed {
    let sqlx::Error::Database(said) = error else {
        return match error {
            sqlx::Error::PoolTimedOut => Failed::again(format!(
                "{at}: no connection within {} seconds; is the CRM's database up, and may this host reach it?",
                ACQUIRE.as_secs()
            )),
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::Encode(_) => {
                Failed::Refused(format!("{at}: {}", shortened(&error.to_string())))
            }
            other => Failed::again(format!("{at}: {}", shortened(&other.to_string()))),
        };
    };
    let code = said.code().unwrap_or_default();
    let text = format!("{at}: {code}: {}", shortened(said.message()));
    match &*code {
        code if code.starts_with("28") => Failed::NotSignedIn(format!("{text}; check user_name and secret")),
        code if FOR_LATER.iter().any(|class| code.starts_with(class)) => Failed::again(text),
        _ => Failed::Refused(text),
    }
}
