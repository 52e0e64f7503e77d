//! A load driver: asks a running daemon from sixteen connections and prints rates, each with its ratio to an empty
//! answer (`/healthz`) measured in the same run.
//!
//! ```text
//! cargo run --release --example load -- BASE DIRECTORY SCIM-TOKEN [API-TOKEN] [--count 4000] [--connections 16]
//! ```
//!
//! Every answer is checked; one that is not as it should be ends the run.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use clap::Parser;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

/// Measures a running daemon.
#[derive(Debug, Clone, Parser)]
struct Arguments {
    /// Where the daemon listens: `http://127.0.0.1:8080`.
    base: String,
    /// A directory of its settings.
    directory: String,
    /// A token of that directory.
    token: String,
    /// A token of a target, for access checks.
    api_token: Option<String>,
    /// Requests of each kind.
    #[arg(long, default_value_t = 4000)]
    count: usize,
    /// Connections at once.
    #[arg(long, default_value_t = 16)]
    connections: usize,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    drop(rustls::crypto::ring::default_provider().install_default());
    let arguments = Arguments::parse();
    let client = Client::builder().no_proxy().pool_max_idle_per_host(arguments.connections).build()?;
    let driver = Arc::new(Driver { client, run: uuid::Uuid::now_v7().simple().to_string(), arguments });
    println!(
        "{} connections, {} requests of each kind",
        driver.arguments.connections, driver.arguments.count
    );
    let hello = measure(&driver, "hello", None, Driver::hello).await?;
    measure(&driver, "create", Some(hello), Driver::create).await?;
    let ids = driver.ids().await?;
    ensure!(!ids.is_empty(), "nobody was created");
    let ids = Arc::new(ids);
    let shared = Arc::clone(&ids);
    measure(&driver, "get by id", Some(hello), move |d, n| d.get(Arc::clone(&shared), n)).await?;
    measure(&driver, "filter userName eq", Some(hello), Driver::filter).await?;
    let shared = Arc::clone(&ids);
    measure(&driver, "patch", Some(hello), move |d, n| d.patch(Arc::clone(&shared), n)).await?;
    if driver.arguments.api_token.is_some() {
        measure(&driver, "access check", Some(hello), Driver::evaluate).await?;
    }
    Ok(())
}

struct Driver {
    client: Client,
    run: String,
    arguments: Arguments,
}

/// Runs `work` for each number and prints the rate.
async fn measure<F, Fut>(driver: &Arc<Driver>, name: &str, hello: Option<f64>, work: F) -> anyhow::Result<f64>
where
    F: Fn(Arc<Driver>, usize) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = anyhow::Result<()>> + Send,
{
    let next = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..driver.arguments.connections {
        let (driver, next, work) = (Arc::clone(driver), Arc::clone(&next), work.clone());
        tasks.push(tokio::spawn(async move {
            let mut times = Vec::new();
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= driver.arguments.count {
                    return anyhow::Ok(times);
                }
                let asked = Instant::now();
                work(Arc::clone(&driver), n).await?;
                times.push(asked.elapsed());
            }
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await?.with_context(|| name.to_owned())?);
    }
    let took = began.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "a count of requests stays far below 2^52")]
    let rate = times.len() as f64 / took;
    let ratio = hello.map_or_else(String::new, |hello| format!("  {:.3} of hello", rate / hello));
    println!("{name:<20} {rate:>8.0} /s   p50 {:>7.2?}   p99 {:>7.2?}{ratio}", at(50), at(99));
    Ok(rate)
}

impl Driver {
    fn scim(&self, path: &str) -> String {
        format!("{}/scim/v2/{}/{path}", self.arguments.base, self.arguments.directory)
    }

    fn name(&self, n: usize) -> String {
        format!("load-{}-{n}@forening.example", self.run)
    }

    async fn ask(
        &self,
        method: Method,
        url: String,
        token: &str,
        body: Option<Value>,
        expected: StatusCode,
    ) -> anyhow::Result<Value> {
        let mut request = self.client.request(method, url).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        if status != expected {
            bail!("answered {status}: {text}");
        }
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }

    async fn hello(self: Arc<Self>, _: usize) -> anyhow::Result<()> {
        let url = format!("{}/healthz", self.arguments.base);
        self.ask(Method::GET, url, "", None, StatusCode::OK).await.map(drop)
    }

    async fn create(self: Arc<Self>, n: usize) -> anyhow::Result<()> {
        let name = self.name(n);
        let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name,
            "externalId": format!("ext-{name}"), "displayName": format!("Person {n}"), "active": true,
            "emails": [{ "value": name, "type": "work", "primary": true }] });
        let made = self
            .ask(Method::POST, self.scim("Users"), &self.arguments.token, Some(body), StatusCode::CREATED)
            .await?;
        ensure!(made.get("userName") == Some(&json!(name)), "another person came back: {made}");
        Ok(())
    }

    /// The ids of those that this run created.
    async fn ids(&self) -> anyhow::Result<Vec<String>> {
        let mut ids = Vec::new();
        for n in 0..self.arguments.count.min(500) {
            let found = self.find(n).await?;
            ids.push(
                found
                    .pointer("/Resources/0/id")
                    .and_then(Value::as_str)
                    .context("a person that was created")?
                    .to_owned(),
            );
        }
        Ok(ids)
    }

    async fn find(&self, n: usize) -> anyhow::Result<Value> {
        let url = format!("{}?filter=userName%20eq%20%22{}%22", self.scim("Users"), self.name(n));
        self.ask(Method::GET, url, &self.arguments.token, None, StatusCode::OK).await
    }

    async fn get(self: Arc<Self>, ids: Arc<Vec<String>>, n: usize) -> anyhow::Result<()> {
        let id = pick(&ids, n)?;
        let url = self.scim(&format!("Users/{id}"));
        let shown = self.ask(Method::GET, url, &self.arguments.token, None, StatusCode::OK).await?;
        ensure!(shown.get("id") == Some(&json!(id)), "another person came back");
        Ok(())
    }

    async fn filter(self: Arc<Self>, n: usize) -> anyhow::Result<()> {
        let found = self.find(n).await?;
        ensure!(found.get("totalResults") == Some(&json!(1)), "{found}");
        Ok(())
    }

    async fn patch(self: Arc<Self>, ids: Arc<Vec<String>>, n: usize) -> anyhow::Result<()> {
        let url = self.scim(&format!("Users/{}", pick(&ids, n)?));
        let title = format!("Titel {n}");
        let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "Replace", "path": "title", "value": title }] });
        let shown = self.ask(Method::PATCH, url, &self.arguments.token, Some(body), StatusCode::OK).await?;
        ensure!(shown.get("title") == Some(&json!(title)), "{shown}");
        Ok(())
    }

    async fn evaluate(self: Arc<Self>, n: usize) -> anyhow::Result<()> {
        let body = json!({ "subject": { "type": "account", "id": self.name(n) }, "action": { "name": "view" },
            "resource": { "type": "mailing", "id": "*" } });
        let url = format!("{}/access/v1/evaluation", self.arguments.base);
        let token = self.arguments.api_token.as_deref().unwrap_or_default();
        let answer = self.ask(Method::POST, url, token, Some(body), StatusCode::OK).await?;
        ensure!(answer.get("decision").is_some_and(Value::is_boolean), "{answer}");
        Ok(())
    }
}

/// One of the ids, another for each number.
fn pick(ids: &[String], n: usize) -> anyhow::Result<&String> {
    ids.get(n % ids.len().max(1)).context("nobody was created")
}
