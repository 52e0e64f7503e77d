//! A CRM's own list of users: who is whom, what is taken in, and what waits for a person.

use axum::http::Method;
use portvakt::domain::actor::{Actor, Subject};
use portvakt::domain::first_match::{Match, Tie};
use portvakt::domain::ids::{AccountId, TargetId};
use portvakt::domain::language::Language;
use portvakt::flows::import::{self, Applied, Asked, Count, Encoding, Failure, Matching, Sheet};
use portvakt::store::{account, audit, evidence};
use serde_json::Value;

use crate::association::Association;
use crate::engines::{TestDb, look, on_each_engine};
use crate::house::at;

/// As a Swedish Excel writes it.
const LIST: &str = "\u{feff}Id;Användarnamn;E-post;Namn;Skapad;Senast inloggad;Objectid\r\n\
    17;ANNA@bjorkbacken.example;;Anna;2019-05-01;2026-02-27 09:15;\r\n\
    18;;hanna@bjorkbacken.example;Hanna;2020-01-01;;\r\n\
    19;hugo;;Hugo;2021-02-03;2025-12-01T10:00:00Z;oid-hugo\r\n\
    20;gammal;;Gamle Gustav;2012-01-01;2014-06-01;\r\n";

fn sheet(name: &str, text: &str) -> Sheet {
    Sheet { name: name.to_owned(), bytes: text.as_bytes().to_vec(), ..Sheet::default() }
}

fn asked(text: &str) -> Asked {
    Asked { users: sheet("users.csv", text), ..Asked::default() }
}

fn crm() -> TargetId {
    TargetId::parse("crm").expect("a name")
}

async fn matched(house: &Association, asked: &Asked) -> Matching {
    import::look(&house.ports, &crm(), asked).await.unwrap_or_else(|failure| panic!("{failure:?}"))
}

async fn faults(house: &Association, asked: &Asked) -> Vec<String> {
    match import::look(&house.ports, &crm(), asked).await {
        Err(Failure::Faults(faults)) => faults.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

async fn apply(house: &Association, asked: &Asked) -> Applied {
    let act = house.ports.act(Actor::Operator("berit".to_owned()), "import users.csv");
    let matching = matched(house, asked).await;
    import::apply(&house.ports, &act, &matching).await.expect("it is taken in")
}

async fn show(house: &Association, who: &str) -> (AccountId, Value) {
    let shown = house
        .crm(Method::GET, &format!("/api/v1/accounts/{who}@bjorkbacken.example"), Value::Null)
        .await
        .body;
    (AccountId::parse(shown["account"]["id"].as_str().expect("an id")).expect("an id"), shown)
}

/// The cells of the matching, line by line.
fn written(matching: &Matching) -> Vec<Vec<String>> {
    let bytes = import::paper(matching, b';', Language::En).expect("it is written");
    let text = String::from_utf8(bytes).expect("UTF-8");
    text.trim_start_matches('\u{feff}')
        .lines()
        .map(|line| line.split(';').map(str::to_owned).collect())
        .collect()
}

#[tokio::test]
async fn a_first_run_tells_the_linked_the_doubtful_and_those_on_one_side_only() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let before = look!(t, c => audit::count(c));
        let matching = matched(&house, &asked(LIST)).await;
        let count = Count { linked: 2, known: 0, doubtful: 1, only_in_crm: 1, only_in_directory: 2 };
        assert_eq!(matching.count(), count);
        let ties = matching.users.iter().map(|(_, found)| match found {
            Match::Linked(_, tie) => Some(*tie),
            _ => None,
        });
        assert_eq!(ties.collect::<Vec<_>>(), [Some(Tie::UserName), None, Some(Tie::ExternalId), None]);
        let lines = written(&matching);
        let classes: Vec<(&str, &str)> =
            lines.iter().map(|line| (line[1].as_str(), line[2].as_str())).collect();
        assert_eq!(
            classes,
            [
                ("class", "crm_id"),
                ("doubtful", "18"),
                ("only_in_crm", "20"),
                ("only_in_directory", ""),
                ("only_in_directory", ""),
                ("linked", "17"),
                ("linked", "19")
            ]
        );
        assert!(lines[1][7].starts_with("hanna@") && lines[1][8].contains("e-mail"), "{:?}", lines[1]);
        assert_eq!(look!(t, c => audit::count(c)), before, "matching changes nothing");
    })
    .await;
}

#[tokio::test]
async fn what_is_linked_is_taken_in_once_and_nobody_loses_anything() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let status = async || look!(t, c => account::count_by_status(c));
        let (standing, (anna, first)) = (status().await, show(&house, "anna").await);
        assert_eq!(apply(&house, &asked(LIST)).await, Applied { crm_ids: 2, created: 2, seen: 2 });
        let (_, shown) = show(&house, "anna").await;
        assert_eq!(shown["account"]["crm_id"], "17");
        assert_eq!(shown["evidence"]["crm"], "2026-02-27T08:15:00Z", "in the policy's time zone");
        let row = look!(t, c => account::get(c, anna)).expect("Anna is there");
        assert_eq!(row.created_at, at("2019-04-30T22:00:00Z"));
        assert_eq!((row.version, status().await), (first["version"].as_i64().expect("a version"), standing));
        assert_eq!(look!(t, c => evidence::health(c)), [], "a list is no living source");
        let subject = Subject::new("account", anna);
        let told: Vec<String> =
            look!(t, c => audit::about(c, &subject, 2)).into_iter().map(|one| one.action).collect();
        assert_eq!(told, ["account_dated", "crm_id_learnt"]);

        let entries = look!(t, c => audit::count(c));
        assert_eq!(apply(&house, &asked(LIST)).await, Applied::default());
        assert_eq!(look!(t, c => audit::count(c)), entries);
        let again = matched(&house, &asked(LIST)).await.count();
        assert_eq!((again.linked, again.known), (2, 2));
    })
    .await;
}

#[tokio::test]
async fn a_person_decides_in_the_matching_and_gives_it_back() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let (hanna, _) = show(&house, "hanna").await;
        let decided = |lines: &str| Asked {
            resolved: Some(sheet("matching.csv", &format!("decision,class,crm_id,account\n{lines}"))),
            ..asked(LIST)
        };
        let both = decided(&format!(
            "koppla,doubtful,18,{hanna}\nlink,only_in_crm,20,NILS@bjorkbacken.example\n,linked,17,x\n"
        ));
        let found = matched(&house, &both).await;
        assert_eq!(
            found.count(),
            Count { linked: 4, known: 0, doubtful: 0, only_in_crm: 0, only_in_directory: 1 }
        );
        assert_eq!(apply(&house, &both).await.crm_ids, 4);
        assert_eq!(show(&house, "nils").await.1["account"]["crm_id"], "20");

        let none = matched(&house, &decided("nej,doubtful,18,\n")).await;
        assert_eq!(none.count().known, 4, "what is known needs no decision");
        let wrong = faults(&house, &decided("maybe,,18,\nlink,,99,x\nlink,,18,nobody\n")).await;
        assert_eq!(wrong.len(), 3);
        assert!(wrong[0].starts_with("matching.csv:2: decision: \"maybe\""), "{}", wrong[0]);
        assert!(
            wrong[1].starts_with("matching.csv:3: crm_id: ")
                && wrong[2].starts_with("matching.csv:4: account: ")
        );
    })
    .await;
}

#[tokio::test]
async fn every_bad_row_is_named_with_line_and_column() {
    let t = TestDb::sqlite().await;
    let house = Association::open(&t).await;
    let list =
        "id,created,last_login\n1,01/03/2025,\n,2025-01-01,\n1,,2027-01-01\n\n2,\"a\nb\",\n2,,\n3,,,\n";
    let said = faults(&house, &asked(list)).await;
    let expected = [
        "users.csv:2: created: \"01/03/2025\" is no date",
        "users.csv:3: id: it is empty",
        "users.csv:4: last_login: \"2027-01-01\" has not come yet",
        "users.csv:6: created: it holds a line break",
        "users.csv:9: it has 4 cells, the titles are 3",
    ];
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for (said, expected) in said.iter().zip(expected) {
        assert!(said.starts_with(expected), "{said}");
    }
    let double = faults(&house, &asked("id\n2\n3\n2\n")).await;
    assert_eq!(double, ["users.csv:4: id: \"2\" stands in line 2 already; each user once"]);
    t.db.close().await;
}

#[tokio::test]
async fn what_cannot_be_read_says_how_to_save_it() {
    let t = TestDb::sqlite().await;
    let house = Association::open(&t).await;
    let mut latin = asked("");
    latin.users.bytes = b"id;namn\n1;Anna\n2;\xc5sa\n".to_vec();
    let said = faults(&house, &latin).await;
    assert!(
        said[0].starts_with("users.csv:3: byte 0xC5 is not UTF-8") && said[0].contains("--encoding latin-1"),
        "{said:?}"
    );
    latin.users.encoding = Encoding::Latin1;
    let found = matched(&house, &latin).await;
    assert_eq!(found.users[1].0.name.as_deref(), Some("Åsa"));
    let mut wide = asked("");
    wide.users.bytes = vec![0xff, 0xfe, b'i', 0, b'd', 0];
    assert!(faults(&house, &wide).await[0].contains("UTF-16"));
    let said = faults(&house, &asked("nummer;namn\n1;Anna\n")).await;
    assert!(said[0].contains("nummer, namn") && said[0].contains("--column crm_id=TITLE"), "{said:?}");
    let named = Asked {
        columns: import::columns(["crm_id=Nummer"]).expect("a column"),
        ..asked("nummer\tnamn\n1\tAnna\n")
    };
    assert_eq!(matched(&house, &named).await.users[0].0.crm_id, "1");
    let strange =
        Asked { columns: import::columns(["name=Titel"]).expect("a column"), ..asked("id,namn\n1,Anna\n") };
    assert!(faults(&house, &strange).await[0].contains("there is no column \"Titel\""));
    assert!(import::columns(["shoe=Sko"]).expect_err("no column").contains("last_login"));
    t.db.close().await;
}

#[tokio::test]
async fn an_id_that_is_taken_meanwhile_undoes_all_of_it() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let matching = matched(&house, &asked(LIST)).await;
        let (rut, _) = show(&house, "rut").await;
        let path = format!("/api/v1/accounts/{rut}/crm-id");
        house.crm(Method::PUT, &path, serde_json::json!({ "crm_id": "19" })).await;
        let act = house.ports.act(Actor::Operator("berit".to_owned()), "import users.csv");
        let refused = import::apply(&house.ports, &act, &matching).await.expect_err("it is refused");
        assert!(refused.to_string().contains("match again"), "{refused}");
        assert_eq!(show(&house, "anna").await.1["account"]["crm_id"], Value::Null);
    })
    .await;
}
