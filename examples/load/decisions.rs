//! Decisions by the hundred, and what a new policy costs to think through.
//!
//! Invariant: every decision is looked at; the plan is the command's own, from its start to its end.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::ensure;
use serde::Deserialize;

use crate::client::Ask;
use crate::measure::Work;
use crate::people::{Caller, Wire, body};
use crate::place::{self, Scratch};
use crate::table::{Aim, Row};

/// Questions of one request.
const MANY: u64 = 100;

/// `POST /access/v1/evaluations`, a hundred people each.
#[derive(Debug)]
pub(crate) struct Evaluations(pub(crate) Arc<Wire>);

#[derive(Deserialize)]
struct Decided {
    evaluations: Vec<Decision>,
}

#[derive(Deserialize)]
struct Decision {
    decision: bool,
}

impl Work for Evaluations {
    type Caller = Caller;

    fn caller(&self, number: usize) -> Caller {
        Caller::new(&self.0, number)
    }

    async fn once(&self, caller: &mut Caller) -> anyhow::Result<u64> {
        let mut subjects = Vec::new();
        for _ in 0..MANY {
            let name = self.0.any(caller.any())?.user_name();
            subjects.push(format!(r#"{{"subject":{{"type":"account","id":"{name}"}}}}"#));
        }
        let sent = format!(
            r#"{{"action":{{"name":"view"}},"resource":{{"type":"mailing","id":"*"}},"evaluations":[{}]}}"#,
            subjects.join(",")
        );
        let (path, token) = ("/access/v1/evaluations", self.0.crm_token.as_str());
        let ask = Ask { method: "POST", path, token, body: Some(&sent), ..Ask::GET };
        let decided: Decided = body(caller.connection.ask(ask).await?, 200)?;
        ensure!(decided.evaluations.len() == subjects.len(), "{} answers", decided.evaluations.len());
        ensure!(decided.evaluations.iter().all(|one| one.decision), "somebody was refused");
        Ok(MANY)
    }

    fn process(&self) -> Option<u32> {
        Some(self.0.process)
    }
}

/// `policy plan` of a policy that takes something from everybody.
///
/// # Errors
///
/// When the command fails.
pub(crate) fn plan(binary: &Path, scratch: &Scratch, people: usize) -> anyhow::Result<Row> {
    let text = include_str!("policy.toml").replace("communication:view,create,edit", "communication:view");
    let began = Instant::now();
    let told = place::with_policy(binary, scratch, &text, &["policy", "plan"])?;
    let took = began.elapsed().as_secs_f64();
    ensure!(told.contains(&format!("{people}")), "the plan does not speak of {people} people: {told}");
    let aim = Aim::AtMost(f64::from(u32::try_from(people)?) / 25_000.0);
    let row = Row::new("plan", format!("policy plan over {people} accounts"), took, "s").aim(aim);
    Ok(row.note("the whole command; each of them would lose something"))
}
