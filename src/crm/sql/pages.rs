//! Everybody in a CRM's tables, page by page.
//!
//! Invariant: all pages are of one moment, because they are read in one transaction; whoever stops early has read nothing.

use std::sync::Arc;

use serde_json::Value;
use tokio::time::timeout;

use super::errand::{lacks, text_of};
use super::lane::{Lane, Purpose, Row};
use super::values::Values;
use super::{Inner, TIMEOUT};
use crate::crm::failed::Failed;
use crate::crm::holding::{instant, is_yes, names};
use crate::domain::comparison::Holding;

/// How many people are read at a time.
const SIZE: usize = 1000;

/// A reading that goes on.
#[derive(Debug)]
pub(crate) struct Pages {
    sql: Arc<Inner>,
    /// The transaction; nothing once everybody was read.
    lane: Option<Lane>,
    after: Option<String>,
}

impl Pages {
    pub(super) fn new(sql: Arc<Inner>) -> Self {
        Self { sql, lane: None, after: None }
    }

    /// The next people; none: that was all.
    pub(crate) async fn next(&mut self) -> Result<Vec<Holding>, Failed> {
        timeout(TIMEOUT * 2, self.page()).await.unwrap_or_else(|_| {
            Err(Failed::again(format!("list: no end within {} seconds", TIMEOUT.as_secs() * 2)))
        })
    }

    async fn page(&mut self) -> Result<Vec<Holding>, Failed> {
        let Some([statement, ..]) = self.sql.description.statements("list") else {
            return Err(Failed::Refused("the description has no [list]".to_owned()));
        };
        let mut lane = match (self.lane.take(), &self.after) {
            (Some(lane), _) => lane,
            (None, None) => self.sql.database.begin(Purpose::Read).await?,
            // The last page was read.
            (None, Some(_)) => return Ok(Vec::new()),
        };
        let mut values = Values::filled(&self.sql.values);
        if let Some(after) = &self.after {
            values.text("after", after.clone());
        }
        values.whole("size", i64::try_from(SIZE).unwrap_or(i64::MAX));
        let rows = lane.run("list", statement, &values, SIZE).await?.rows;
        let people = rows.iter().map(holding).collect::<Result<Vec<_>, _>>()?;
        let Some(last) = people.last().map(|last| last.crm_id.clone()) else {
            lane.roll_back().await;
            // Nobody at all is a page too, after which there is none.
            self.after.get_or_insert_default();
            return Ok(people);
        };
        if self.after.as_ref() == Some(&last) {
            return Err(Failed::Refused("list: it does not go on after :after".to_owned()));
        }
        self.after = Some(last);
        if rows.len() < SIZE {
            lane.roll_back().await;
        } else {
            self.lane = Some(lane);
        }
        Ok(people)
    }
}

fn holding(row: &Row) -> Result<Holding, Failed> {
    let must = |column| text_of(row, column).ok_or_else(|| Failed::Refused(lacks("list", column)));
    // A column that is not there is not told; NULL in one that is there is nothing.
    let may = |column: &str| row.contains_key(column).then(|| text_of(row, column).unwrap_or_default());
    let last_login = row.get("last_login").map_or(Ok(None), instant);
    let name = |entry: &Value| entry.as_str().map(str::to_owned);
    let wrong = |column| move |what| Failed::Refused(format!("list: the column {column}: {what}"));
    Ok(Holding {
        crm_id: must("id")?,
        account: may("account").filter(|id| !id.is_empty()),
        user_name: Some(must("user_name")?),
        display_name: may("display_name"),
        email: may("email"),
        active: row.get("active").map(|value| is_yes(Some(value))),
        roles: row.get("roles").map(|value| names(value, name)).transpose().map_err(wrong("roles"))?,
        last_login: last_login
            .map_err(|what| Failed::Refused(format!("list: the column last_login: {what}")))?,
    })
}
