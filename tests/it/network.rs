//! The daemon on the network, among callers who are slow, silent, many, or lie about what they send.
//!
//! Invariant: every wait has an end; who means well is answered meanwhile; what a crowd took is given back.

mod daemon;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use self::daemon::{Daemon, crowd, room, status, until_the_end};
use crate::engines::TestDb;
use crate::running::client;

/// What a crowd may cost at most, in MiB: a debug build with its buffers, and far below what a leak would take.
const MEMORY: u64 = 300;

const QUICK: &[(&str, &str)] = &[
    ("PORTVAKT__SERVER__HEAD_WITHIN", "1s"),
    ("PORTVAKT__SERVER__BODY_WITHIN", "1s"),
    ("PORTVAKT__SERVER__ANSWER_WITHIN", "5s"),
];

#[tokio::test]
async fn who_is_slow_or_silent_is_sent_away() {
    let daemon = Daemon::start(QUICK).await;
    let before = daemon.descriptors();
    // Without an answer: nothing was asked.
    let silent: [&[u8]; 5] = [
        b"",
        b"P",
        b"PRI * HTTP/2.0\r\n",
        b"GET /healthz HTTP/1.1\r\nHo",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n",
    ];
    for answer in join_all(silent.iter().map(|bytes| daemon.exchange(bytes))).await {
        assert_eq!(answer, "");
    }
    assert_eq!(
        daemon.drip(b"GET /healthz HTTP/1.1\r\nHost: x\r\n", b"X-a: b\r\n").await,
        "",
        "a head that never ends"
    );
    let rested = daemon.exchange(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(status(&rested), "200", "who has been answered and asks nothing more is sent away as well");
    let post = daemon.head("POST /scim/v2/entra/Users", "Content-Length: 1000\r\n");
    let chunked = daemon.head("POST /scim/v2/entra/Users", "Transfer-Encoding: chunked\r\n");
    let api = daemon.head("POST /scim/v2/entra/Bulk", "Content-Length: 1000\r\n");
    let slow = [
        daemon.exchange(&[post.as_slice(), b"{"].concat()).await,
        daemon.drip(&post, b" ").await,
        daemon.drip(&chunked, b"1\r\n \r\n").await,
        daemon.exchange(&api).await,
    ];
    for answer in slow {
        assert_eq!(status(&answer), "408", "{answer}");
        assert!(
            answer.contains("\"status\":\"408\"") && answer.contains("application/scim+json"),
            "{answer}"
        );
    }
    daemon.gives_back(before).await;
}

#[tokio::test]
async fn a_body_larger_than_allowed_is_refused_before_it_is_taken() {
    let daemon = Daemon::start(&[]).await;
    let before = daemon.memory();
    for announced in ["10000000000", "1048577", "999999999999999999"] {
        let head = daemon.head("POST /scim/v2/entra/Users", &format!("Content-Length: {announced}\r\n"));
        let answer = daemon.exchange(&head).await;
        assert_eq!(status(&answer), "413", "{announced}: {answer}");
        assert!(answer.contains("\"status\":\"413\""), "{answer}");
    }
    let mut endless = daemon.head("POST /scim/v2/entra/Users", "Transfer-Encoding: chunked\r\n");
    for _ in 0..64 {
        endless.extend(b"10000\r\n");
        endless.extend(b" ".repeat(0x10000));
        endless.extend(b"\r\n");
    }
    for answer in join_all((0..8).map(|_| daemon.exchange(&endless))).await {
        // It may be cut off while it is still sending; then there is no answer to read.
        assert!(["413", "none"].contains(&status(&answer)), "{answer}");
    }
    let without_token = b"POST /scim/v2/entra/Users HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n";
    assert_eq!(status(&daemon.exchange(without_token).await), "401", "nothing is read for a stranger");
    assert!(daemon.memory() < before + MEMORY, "{} MiB, {before} before", daemon.memory());
    assert_eq!(daemon.get("/Users").await.expect("an answer").status().as_u16(), 200);
}

#[tokio::test]
async fn a_request_that_two_readers_could_read_in_two_ways_is_read_in_one() {
    let daemon = Daemon::start(QUICK).await;
    let refused: [&[u8]; 9] = [
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost : x\r\n\r\n",
        b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
        b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n",
    ];
    for bytes in refused {
        let answer = daemon.exchange(bytes).await;
        assert_eq!(status(&answer), "400", "{}: {answer}", String::from_utf8_lossy(bytes));
    }
    // Of two lengths one is taken, and nothing that follows passes for a request of its own.
    let smuggled = "0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    for lengths in [
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    ] {
        let head = daemon.head("POST /scim/v2/entra/Users", lengths);
        let answer = daemon.exchange(&[head.as_slice(), smuggled.as_bytes()].concat()).await;
        assert_eq!((status(&answer), answer.matches("HTTP/1.1 ").count()), ("400", 1), "{answer}");
    }
    let mut many = b"GET /healthz HTTP/1.1\r\nHost: x\r\n".to_vec();
    many.extend(b"X-a: b\r\n".repeat(500));
    many.extend(b"\r\n");
    assert_eq!(status(&daemon.exchange(&many).await), "431");
    assert_eq!(
        status(&daemon.exchange(format!("GET /{} HTTP/1.1\r\n", "a".repeat(70_000)).as_bytes()).await),
        "431"
    );
    let slashes =
        daemon.exchange(&daemon.head("GET /scim//v2/entra//Users/?count=0", "Connection: close\r\n")).await;
    assert_eq!(status(&slashes), "200", "{slashes}");
}

#[tokio::test]
async fn bombs_are_refused_and_cost_little() {
    let daemon = Daemon::start(&[]).await;
    let before = daemon.memory();
    let url = |path: &str| format!("{}/scim/v2/entra{path}", daemon.place.base);
    let deep =
        |open: &str, close: &str, depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
    let user = |value: String| format!("{{\"userName\":\"x\",\"urn:example:own\":{value}}}");
    let operations =
        json!({ "Operations": vec![json!({ "op": "remove", "path": "title" }); 2001] }).to_string();
    let refers = |n: usize| json!({ "method": "POST", "path": "/Groups", "bulkId": format!("{n}"), "data": { "x": format!("bulkId:{}", n + 1) } });
    let chain = json!({ "Operations": (0..1000).map(refers).collect::<Vec<_>>() }).to_string();
    let wide = format!("{{{}}}", (0..20_000).map(|n| format!("\"k{n}\":{n}")).collect::<Vec<_>>().join(","));
    let bodies = [
        ("POST", "/Users", deep("[", "]", 100_000), 400),
        ("POST", "/Users", user(deep("[", "]", 100_000)), 400),
        ("POST", "/Users", user(deep("{\"a\":", "}", 100)), 400),
        ("POST", "/Users", user("{\"a\":".repeat(50_000)), 400),
        ("POST", "/Users", user(format!("\"{}\"", "x".repeat(70_000))), 400),
        (
            "POST",
            "/Users",
            format!("{{\"userName\":\"x\",\"emails\":[{}]}}", "{\"value\":\"a\"},".repeat(10_000) + "{}"),
            400,
        ),
        ("POST", "/Users", user(wide), 400),
        ("POST", "/Users", user(format!("{{\"a\":[{}1]}}", "1,".repeat(20_000))), 400),
        ("POST", "/Bulk", chain, 200),
        ("POST", "/.search", json!({ "filter": "(".repeat(4000) }).to_string(), 400),
        ("POST", "/.search", json!({ "filter": format!("{}id pr", "not (".repeat(33)) }).to_string(), 400),
        ("POST", "/.search", json!({ "filter": vec!["id pr"; 201].join(" or ") }).to_string(), 400),
        ("POST", "/.search", json!({ "filter": vec!["id pr"; 200].join(" or ") }).to_string(), 200),
        (
            "POST",
            "/.search",
            json!({ "filter": format!("userName eq \"{}\"", "x".repeat(4090)) }).to_string(),
            400,
        ),
        ("PATCH", "/Users/00000000-0000-0000-0000-000000000000", operations, 413),
        ("POST", "/Bulk", json!({ "Operations": vec![json!({}); 1001] }).to_string(), 413),
    ];
    for (method, path, body, wanted) in bodies {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let request = client().request(method, url(path)).bearer_auth(&daemon.token);
        let shown: String = body.chars().take(60).collect();
        let answer = request
            .header("content-type", "application/scim+json")
            .body(body)
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status().as_u16(), wanted, "{path} {shown}: {:?}", answer.text().await);
    }
    let long = url(&format!("/Users?filter={}", "a".repeat(5000)));
    assert_eq!(
        client().get(long).bearer_auth(&daemon.token).send().await.expect("an answer").status().as_u16(),
        400
    );
    assert!(daemon.memory() < before + MEMORY, "{} MiB, {before} before", daemon.memory());
}

#[tokio::test]
async fn a_thousand_idle_connections_keep_nobody_out() {
    let daemon = Daemon::start(&[("PORTVAKT__SERVER__HEAD_WITHIN", "60s")]).await;
    let alone = daemon.pace().await;
    let (memory, descriptors) = (daemon.memory(), daemon.descriptors());
    let mut all = crowd(&daemon, 1000).await;
    for stream in all.iter_mut().step_by(2) {
        stream.write_all(b"GET / HTTP/1.1\r\nHo").await.expect("it can be written");
    }
    let among = daemon.pace().await;
    assert!(among < alone * 30, "{among:?} among the crowd, {alone:?} alone");
    assert!(daemon.memory() < memory + MEMORY, "{} MiB, {memory} before", daemon.memory());
    drop(all);
    daemon.gives_back(descriptors).await;
}

#[tokio::test]
async fn of_too_many_connections_those_give_way_that_ask_for_nothing() {
    let limits = [
        ("PORTVAKT__SERVER__HEAD_WITHIN", "60s"),
        ("PORTVAKT__SERVER__CONNECTIONS", "30"),
        ("PORTVAKT__SERVER__CONNECTIONS_PER_SOURCE", "20"),
    ];
    let daemon = Daemon::start(&limits).await;
    let before = daemon.descriptors();
    let mut all = crowd(&daemon, 100).await;
    daemon.pace().await;
    assert!(daemon.descriptors() <= before + 30, "{} descriptors, {before} before", daemon.descriptors());
    // The first to come was the first to go.
    assert_eq!(until_the_end(&mut all[0]).await, "");
    let mut last = all.pop().expect("a crowd");
    last.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await
        .expect("it can be written");
    assert_eq!(status(&until_the_end(&mut last).await), "200", "the last is still there");
}

#[tokio::test]
async fn a_thousand_requests_at_once_are_each_answered() {
    let mut databases = vec![TestDb::sqlite().await];
    databases.extend(TestDb::postgres().await);
    for t in databases {
        // The daemon opens the database itself.
        t.db.close().await;
        let daemon = Daemon::on(&t.url, &[]).await;
        let (memory, descriptors) = (daemon.memory(), daemon.descriptors());
        let client = client();
        let ask = |number: usize| {
            let request = match number % 4 {
                0 => client
                    .post(format!("{}/scim/v2/entra/Users", daemon.place.base))
                    .body(format!("{{\"userName\":\"p{number}\"}}")),
                _ => client.get(format!("{}/scim/v2/entra/Users?count=1", daemon.place.base)),
            };
            request.bearer_auth(&daemon.token).header("content-type", "application/json").send()
        };
        let open = room(1000);
        let mut made = 0;
        for (number, answer) in join_all((0..open).map(ask)).await.into_iter().enumerate() {
            let answer = answer.expect("an answer");
            match answer.status().as_u16() {
                201 if number % 4 == 0 => made += 1,
                200 if number % 4 != 0 => {}
                // On a machine that is busy with other things, too.
                503 => assert!(answer.headers().contains_key("retry-after"), "request {number}"),
                other => panic!("request {number}: {other}"),
            }
        }
        assert!(made > 0, "somebody was served");
        drop(client);
        let people: Value =
            daemon.get("/Users?count=0").await.expect("an answer").json().await.expect("JSON");
        assert_eq!(people["totalResults"], made, "who was told so was made, once, and nobody else");
        assert!(daemon.memory() < memory + MEMORY, "{} MiB, {memory} before", daemon.memory());
        daemon.gives_back(descriptors + 16).await;
    }
}

#[tokio::test]
async fn the_log_at_its_most_talkative_tells_no_secret() {
    let daemon = Daemon::start(&[("PORTVAKT_LOG", "trace")]).await;
    let person = json!({ "userName": "asa.oberg", "password": "Hemligt-4711", "emails": [{ "value": "asa@hemlig.example" }] });
    let url = format!("{}/scim/v2/entra/Users", daemon.place.base);
    let client = client();
    for body in [
        person.to_string(),
        person.to_string(),
        "{\"userName\": \"x\", \"active\": \"Hemligt-4711\"".to_owned(),
    ] {
        let request = client.post(&url).bearer_auth(&daemon.token).header("content-type", "application/json");
        request.body(body).send().await.expect("an answer");
    }
    for token in ["pv_wrong-Hemligt-4711", "Hemligt-4711"] {
        client.get(&url).bearer_auth(token).send().await.expect("an answer");
    }
    daemon.get("/Users?filter=emails.value%20eq%20%22asa%40hemlig.example%22").await.expect("an answer");
    let mut place = daemon.place;
    assert!(place.end().success());
    let log = place.log();
    assert!(log.lines().count() > 20 && log.contains("TRACE"), "{log}");
    for secret in ["Hemligt", "asa@hemlig", "asa%40hemlig", &daemon.token, &daemon.token[4..20]] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
}
