//! What is left on the administrators' desk, so that the console has something to decide.
//!
//! Invariant: each matter comes about as it does in an office: somebody asks in their own browser, the directory tells of
//! another job, a login page sends somebody whom nobody knows.

use anyhow::Context;
use jiff::ToSpan;
use jiff::tz::TimeZone;

use super::house::House;
use super::screen::Screen;
use super::visit;
use crate::demo::association::{Association, Person};
use crate::demo::browser::Browser;
use crate::demo::loopback;
use crate::demo::provider::Listed;
use crate::domain::grant::GrantKind;
use crate::domain::ids::RoleId;
use crate::flows::console::waiting;
use crate::flows::people::{self, Lasting};

/// Asks for leave.
const AWAY: &str = "ylva.stenmark@bjorkbackennorr.example";
/// Holds a right by hand, and changes job.
const MOVED: &str = "linnea.forsberg@bjorkbacken.example";
/// Was made anew in the directory, and comes with an id that nobody knows.
const ANEW: &str = "ragnhild.oqvist@bjorkbackennorr.example";
/// The new id.
const NEW_ID: &str = "00u1bjorknorr9000001";

/// Leaves three matters to decide.
pub(super) async fn leave_matters(
    house: &mut House,
    association: &Association,
    zone: &TimeZone,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    screen.begin("Vad väntar på ett beslut?", "What waits for a decision?");
    let known = |name| association.by_user_name(name).with_context(|| format!("{name} is not in the story"));
    ask_for_leave(house, known(AWAY)?, zone).await?;
    change_job(house, known(MOVED)?, screen).await?;
    come_anew(house, known(ANEW)?).await?;
    let waiting = waiting::count(&house.ports).await?;
    for (sv, en, found) in [
        ("ansökningar om ledighet", "requests for leave", waiting.leaves),
        ("behörigheter efter byte av arbete", "rights after a change of job", waiting.rights),
        ("inloggningar utan konto", "sign-ins without an account", waiting.links),
    ] {
        screen.check(sv, en, 1, found);
    }
    Ok(())
}

/// Six weeks from next week on, asked for on the person's own page.
async fn ask_for_leave(house: &House, person: &Person, zone: &TimeZone) -> anyhow::Result<()> {
    let mut browser = Browser::new(loopback::client("Mozilla/5.0 (practice browser)")?);
    visit::enter(&mut browser, &house.addresses.portvakt, person).await?;
    let today = house.ports.clock.now().to_zoned(zone.clone()).date();
    let (from, until) = (today.checked_add(7.days())?, today.checked_add(49.days())?);
    let form = [("from", from.to_string()), ("until", until.to_string())];
    let page = browser.submit(&format!("{}/sso/notice", house.addresses.portvakt), &form).await?;
    anyhow::ensure!(page.status.is_success(), "the request for leave was answered {}", page.status);
    Ok(())
}

/// Helps with the members for a season; then the directory says that the department is another.
async fn change_job(house: &mut House, person: &Person, screen: &Screen) -> anyhow::Result<()> {
    let role = GrantKind::Role(RoleId::parse("member_registrar")?);
    let reason = screen.pick("Hjälper medlemsregistret under hösten", "Helps with the members this autumn");
    let right = (role, Lasting::AsUsual);
    people::grant(&house.ports, &house.act("decision"), &person.user_name, right, reason).await?;
    house.directory(person.home).pusher.becomes(person, "Husvärd", "Fastighet").await?;
    Ok(())
}

/// The login page knows the person by another id than the one that was provisioned.
async fn come_anew(house: &mut House, person: &Person) -> anyhow::Result<()> {
    let note = Some(("upplagd på nytt: väntar på att kopplas", "made anew: waits to be linked"));
    let anew = Listed { id: NEW_ID.to_owned(), note, ..Listed::of(person) };
    house.directory(person.home).provider.list(anew);
    let mut browser = Browser::new(loopback::client("Mozilla/5.0 (practice browser)")?);
    let login = browser.open(&visit::entrance(&house.addresses.portvakt, person.home)).await?;
    browser.click(&login, NEW_ID).await?;
    Ok(())
}
