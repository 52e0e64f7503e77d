//! Writes down how everybody stands, signed, so that a CRM can answer by itself while we are away.
//!
//! Invariant: one moment, and the place in the order of changes from which it goes on. It is written to a file that has no
//! name before any of it is sent: memory does not grow with the accounts, and no slow reader holds the database.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::changes::{self, Cursor};
use super::{Act, Compiled, Ports, Refusal, provider, state};
use crate::crm::{AccountState, ToldAccount};
use crate::domain::actor::Subject;
use crate::domain::ids::{AccountId, TargetId};
use crate::domain::policy::{Action, Policy, Role};
use crate::oidc::SnapshotSeal;
use crate::store::population::Seen;
use crate::store::{Conn, StoreError, account, change, population};

/// Accounts that are read at a time.
const AT_ONCE: i64 = 1_000;

/// Bytes that are sent at a time.
const PIECE: usize = 64 * 1024;

/// What tells one snapshot from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The cursor from which changes go on.
    pub revision: String,
    /// Of its content: the instant and the signature do not count.
    pub digest: String,
}

/// A snapshot, ready to be sent.
#[derive(Debug)]
pub struct Snapshot {
    /// Bytes.
    pub length: u64,
    file: Arc<File>,
    sent: u64,
}

/// The line of one account.
#[derive(Debug, Serialize)]
struct Line {
    account: ToldAccount,
    version: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    items: Vec<String>,
}

/// Writes down how everybody stands, for `target`; gives no snapshot where its digest `is_known` there. That one was
/// taken stands in the audit.
///
/// # Errors
///
/// [`Refusal`] when the database cannot be reached, no policy is in force, or there is no room for the file.
pub async fn take(
    ports: &Ports,
    act: &Act,
    target: &TargetId,
    is_known: impl Fn(&str) -> bool,
) -> Result<(Stamp, Option<Snapshot>), Refusal> {
    changes::place_all(ports).await?;
    let now = ports.clock.now();
    let mut c = ports.db.snapshot().await?;
    let order = change::order(&mut c).await?;
    let order = order.ok_or_else(|| StoreError::corrupt("setting", "changes", "it has no name"))?;
    let revision = Cursor::at_end(order).to_string();
    let compiled = ports.policies.current(&mut c).await?;
    let mut paper = Paper::begin()?;
    let head = head(ports, &mut c, &compiled, target, &revision, now).await?;
    paper.write_head(&head, now).await?;
    let mut after = None;
    loop {
        let accounts = account::page(&mut c, after, AT_ONCE).await?;
        let is_last = i64::try_from(accounts.len()).is_ok_and(|found| found < AT_ONCE);
        after = accounts.last().map(|account| account.id);
        let ids: Vec<AccountId> = accounts.iter().map(|account| account.id).collect();
        let items = population::items_of_accounts(&mut c, &ids, now).await?;
        let states = state::of_all(&mut c, &compiled.policy, target, accounts, now).await?;
        paper.write_accounts(states, items).await?;
        if is_last || after.is_none() {
            break;
        }
    }
    drop(c);
    let digest = paper.content.clone().finalize();
    let digest = URL_SAFE_NO_PAD.encode(digest.get(..18).unwrap_or_default());
    let stamp = Stamp { revision, digest };
    if is_known(&stamp.digest) {
        return Ok((stamp, None));
    }
    note(ports, act, target, paper.accounts).await?;
    let snapshot = paper.close(ports, target, &stamp.revision, now).await?;
    Ok((stamp, Some(snapshot)))
}

async fn note(ports: &Ports, act: &Act, target: &TargetId, accounts: u64) -> Result<(), Refusal> {
    let (act, target) = (act.clone(), target.clone());
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let after = json!({ "accounts": accounts });
                act.record(c, "snapshot_taken", Subject::new("target", &target), None, Some(after)).await?;
                Ok(())
            })
        })
        .await
}

/// What a CRM needs to answer by itself, beside the accounts: which role opens what, what each kind of item asks for, and
/// what roles as a whole are linked or assigned to.
async fn head(
    ports: &Ports,
    c: &mut Conn,
    compiled: &Compiled,
    target: &TargetId,
    revision: &str,
    now: Timestamp,
) -> Result<Value, Refusal> {
    let policy = &compiled.policy;
    let mut of_roles: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (role, item) in population::items_of_roles(c, now).await? {
        of_roles.entry(role.to_string()).or_default().push(written(&item));
    }
    for items in of_roles.values_mut() {
        items.sort_unstable();
    }
    let roles: BTreeMap<&str, Value> =
        policy.roles.iter().map(|(id, role)| (id.as_str(), opened(policy, role))).collect();
    let components: BTreeMap<&str, Value> = policy
        .components
        .iter()
        .map(|(id, known)| {
            let told = json!({ "module": known.module, "sector": known.sector,
                "supports_items": known.supports_items, "is_administration": known.is_administration });
            (id.as_str(), told)
        })
        .collect();
    Ok(json!({
        "type": "snapshot", "format": 1, "issuer": ports.settings.server.public_url.as_str(), "target": target,
        "revision": revision, "policy": compiled.number, "roles": roles, "components": components,
        "items_of_roles": of_roles,
    }))
}

/// The modules that a role opens, each with its actions.
fn opened(policy: &Policy, role: &Role) -> Value {
    let modules = policy.modules.keys().filter_map(|module| {
        let actions = Action::ALL.iter().copied().filter(|action| role.opens(module, *action));
        let actions: Vec<&str> = actions.map(Action::name).collect();
        (!actions.is_empty()).then(|| (module.as_str(), actions))
    });
    json!(modules.collect::<BTreeMap<_, _>>())
}

fn written((component, item): &Seen) -> String {
    format!("{component}/{item}")
}

/// A snapshot that is being written.
struct Paper {
    file: File,
    /// Over all that is written: what the signature stands for.
    whole: Sha256,
    /// Over what tells one content from another.
    content: Sha256,
    accounts: u64,
    length: u64,
}

impl Paper {
    fn begin() -> Result<Self, Refusal> {
        let path = std::env::temp_dir().join(format!("portvakt-snapshot-{}", Uuid::now_v7().simple()));
        let open = || {
            let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
            std::fs::remove_file(&path)?;
            Ok(file)
        };
        let file = open().map_err(|error| no_room(&error))?;
        Ok(Self { file, whole: Sha256::new(), content: Sha256::new(), accounts: 0, length: 0 })
    }

    async fn write_head(&mut self, head: &Value, now: Timestamp) -> Result<(), Refusal> {
        self.content.update(head.to_string());
        let mut head = head.clone();
        if let Some(members) = head.as_object_mut() {
            members.insert("at".to_owned(), json!(now));
        }
        let line = format!("{head}\n").into_bytes();
        self.whole.update(&line);
        self.write(line).await
    }

    async fn write_accounts(
        &mut self,
        states: Vec<AccountState>,
        mut items: BTreeMap<AccountId, Vec<Seen>>,
    ) -> Result<(), Refusal> {
        let mut lines = Vec::with_capacity(states.len() * 512);
        for AccountState { account, version, .. } in states {
            let mut items: Vec<String> =
                items.remove(&account.id).unwrap_or_default().iter().map(written).collect();
            items.sort_unstable();
            let line = Line { account, version, items };
            serde_json::to_writer(&mut lines, &line)
                .map_err(|error| Refusal::Outside(format!("an account cannot be written: {error}")))?;
            lines.push(b'\n');
            self.accounts += 1;
        }
        self.whole.update(&lines);
        self.content.update(&lines);
        self.write(lines).await
    }

    async fn write(&mut self, bytes: Vec<u8>) -> Result<(), Refusal> {
        let mut file = self.file.try_clone().map_err(|error| no_room(&error))?;
        self.length += bytes.len() as u64;
        let written = spawn_blocking(move || file.write_all(&bytes)).await;
        written.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(|error| no_room(&error))
    }

    /// Writes the signature, as the last line.
    async fn close(
        mut self,
        ports: &Ports,
        target: &TargetId,
        revision: &str,
        now: Timestamp,
    ) -> Result<Snapshot, Refusal> {
        let digest = URL_SAFE_NO_PAD.encode(self.whole.clone().finalize());
        let key = provider::for_snapshots(ports).await?;
        let seal = SnapshotSeal {
            issuer: ports.settings.server.public_url.as_str(),
            audience: target.as_str(),
            now,
            revision,
            accounts: self.accounts,
            digest: &digest,
        };
        let signed = seal.signed(&key).map_err(|error| Refusal::Outside(error.to_string()))?;
        let end =
            json!({ "type": "snapshot.end", "accounts": self.accounts, "sha256": digest, "jws": signed });
        self.write(format!("{end}\n").into_bytes()).await?;
        Ok(Snapshot { length: self.length, file: Arc::new(self.file), sent: 0 })
    }
}

impl Snapshot {
    /// The next piece of it; nothing after the last.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let left = usize::try_from(self.length.saturating_sub(self.sent)).unwrap_or(PIECE);
        if left == 0 {
            return Ok(None);
        }
        let (file, from) = (Arc::clone(&self.file), self.sent);
        let read = move || {
            let mut piece = vec![0; left.min(PIECE)];
            file.read_exact_at(&mut piece, from).map(|()| piece)
        };
        let piece = spawn_blocking(read).await.map_err(io::Error::other)??;
        self.sent += piece.len() as u64;
        Ok(Some(piece))
    }
}

fn no_room(error: &io::Error) -> Refusal {
    let folder = std::env::temp_dir();
    Refusal::Outside(format!(
        "the snapshot cannot be written in {}: {error}; make room there, or set TMPDIR to another folder",
        folder.display()
    ))
}
