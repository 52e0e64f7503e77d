//! The start page: its numbers, and the lists that they lead to.

use axum::http::StatusCode;
use jiff::SignedDuration;
use portvakt::domain::policy::EvidenceSource;
use portvakt::flows::Clock;
use portvakt::store::{StoreError, account, evidence};

use super::cast::seat;
use crate::engines::on_each_engine;
use crate::sign_in::house::TestHouse;
use crate::store::sample::new_account;

/// The numbers of a page that are links, each with its address.
fn numbers(body: &str) -> Vec<(usize, String)> {
    let figures = body.split("<li><a href=\"").skip(1).filter_map(|piece| {
        let (address, rest) = piece.split_once('"')?;
        let (number, _) = rest.split_once("<b>")?.1.split_once("</b>")?;
        Some((number.parse().ok()?, address.replace("&#38;", "&")))
    });
    let bars = body.split("<th scope=\"row\"><a href=\"").skip(1).filter_map(|piece| {
        let (address, rest) = piece.split_once('"')?;
        let (number, _) = rest.split_once("<td class=\"r\">")?.1.split_once("</td>")?;
        Some((number.parse().ok()?, address.replace("&#38;", "&")))
    });
    figures.chain(bars).collect()
}

#[tokio::test]
async fn each_number_leads_to_the_very_list_that_it_counted() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut browser = seat(&house, "asa", Some("administrator")).await;
        let helper = house.provision("entra", "bo", "sv").await;
        house.make_helper(&helper).await;
        let gone = house.provision("entra", "cia", "sv").await;
        house.set_active("entra", &gone, false).await;
        let now = house.clock.now();
        let people: Vec<_> = [1, 29, 31, 89, 91, 179, 181, 400]
            .into_iter()
            .map(|days| (new_account(&format!("p{days}")), now - SignedDuration::from_hours(24 * days)))
            .collect();
        house
            .t
            .db
            .write(move |c| {
                Box::pin(async move {
                    for (person, at) in &people {
                        account::insert(c, person).await?;
                        evidence::seen(c, person.id, EvidenceSource::Crm, *at).await?;
                    }
                    Ok::<_, StoreError>(())
                })
            })
            .await
            .unwrap();
        let start = browser.get("/").await;
        assert_eq!(start.status, StatusCode::OK, "{}", start.body);
        let found = numbers(&start.body);
        let counts: Vec<usize> = found.iter().map(|(count, _)| *count).collect();
        // Able, never, not for 90 days, limited, privileged, left; then the bars.
        assert_eq!(counts, [10, 1, 5, 1, 1, 1, 3, 2, 2, 2, 1], "{}", start.body);
        for (count, address) in found {
            let list = browser.get(&address).await;
            assert_eq!(list.status, StatusCode::OK, "{address}: {}", list.body);
            let words = if count == 1 { "1 person".to_owned() } else { format!("{count} personer") };
            assert!(list.body.contains(&format!("<b>{words}</b>")), "{address} does not show {words}");
        }
        for known in ["Anställda och styrelse", "Ideellt engagerade", "Nästa körning", "Inget väntar på dig"]
        {
            assert!(start.body.contains(known), "{known}: {}", start.body);
        }
        browser.get("/language/en").await;
        let english = browser.get("/").await;
        assert!(
            english.body.contains("Nothing waits for you") && english.body.contains("have never signed in")
        );
    })
    .await;
}
