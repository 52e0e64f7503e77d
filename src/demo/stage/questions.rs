//! Questions to the daemon as others ask them: a CRM about items, a browser about getting in.
//!
//! Invariant: over HTTP only, with the CRM's own token and a browser of the person's own.

use anyhow::Context;
use reqwest::header::AUTHORIZATION;
use reqwest::{Client, StatusCode};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::expected::Guests;
use super::house::House;
use super::screen::Screen;
use super::visit;
use crate::demo::association::{Association, Person};
use crate::demo::loopback;

/// Asks who may do what, and tries to get in.
pub(super) async fn ask(house: &House, association: &Association, screen: &mut Screen) -> anyhow::Result<()> {
    screen.begin("Får den här personen se det här?", "May this person see this?");
    let guests = Guests::of(association).context("the association has nobody to ask about")?;
    let client = loopback::client("Bjorkbacken-CRM-practice/1.0")?;
    let questions = [
        (guests.limited, "view", "mailing", "utskick-41", true),
        (guests.limited, "view", "mailing", "utskick-63", false),
        (guests.active, "view", "mailing", "utskick-63", true),
        (guests.active, "administer", "settings", "*", true),
        (guests.limited, "administer", "settings", "*", false),
        (guests.frozen, "view", "member", "*", false),
    ];
    for (person, action, component, item, expected) in questions {
        let (decision, sentence) =
            decision(house, &client, person, (action, component, item), screen).await?;
        let what = format!("{} · {action} {component}/{item}", person.name());
        screen.check(&what, &what, expected, decision);
        if !decision {
            screen.line(format_args!("          {sentence}"));
        }
    }
    for (person, expected) in [
        (guests.active, StatusCode::OK),
        (guests.limited, StatusCode::OK),
        (guests.departed, StatusCode::FORBIDDEN),
        (guests.frozen, StatusCode::FORBIDDEN),
    ] {
        let browser = loopback::client("Mozilla/5.0 (practice browser)")?;
        let page = visit::comes(browser, &house.addresses.portvakt, person).await;
        let status = page.map_or_else(|error| error.to_string(), |page| page.status.to_string());
        let name = person.name();
        screen.check(&format!("{name} loggar in"), &format!("{name} signs in"), expected, status);
    }
    Ok(())
}

/// `POST /access/v1/evaluation` (`OpenID AuthZEN` 1.0 §6): the decision, and the sentence for the person.
async fn decision(
    house: &House,
    client: &Client,
    person: &Person,
    (action, component, item): (&str, &str, &str),
    screen: &Screen,
) -> anyhow::Result<(bool, String)> {
    let question = json!({
        "subject": { "type": "account", "id": person.user_name },
        "action": { "name": action },
        "resource": { "type": component, "id": item },
        "context": { "language": screen.language().tag() },
    });
    let bearer = format!("Bearer {}", house.crm_token.expose_secret());
    let address = format!("{}/access/v1/evaluation", house.addresses.portvakt);
    let response = client.post(address).header(AUTHORIZATION, bearer).json(&question).send().await?;
    let answer: Value = response.error_for_status()?.json().await?;
    let decision = answer.get("decision").and_then(Value::as_bool).context("an answer without decision")?;
    let sentence = answer.pointer("/context/reason_user").and_then(Value::as_str).unwrap_or_default();
    Ok((decision, sentence.to_owned()))
}
