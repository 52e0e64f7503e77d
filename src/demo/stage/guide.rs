//! Where everything is, whom to sign in as, and what to try.
//!
//! Invariant: every address and every command works as it is printed.

use super::expected::Guests;
use super::house::House;
use super::screen::Screen;
use super::visit::entrance;
use crate::demo::association::{Association, Home, Person};
use crate::demo::provider::PracticeProvider;

/// Tells the guest what there is to see.
pub(super) fn tell(house: &House, association: &Association, screen: &Screen) {
    let addresses = &house.addresses;
    screen.say("\nDemon är öppen. Adresser:", "\nThe demo is open. Addresses:");
    let discovery =
        |home, base| format!("{}/.well-known/openid-configuration", PracticeProvider::issuer_at(home, base));
    for (what, address) in [
        ("Portvakt", format!("{}/", addresses.portvakt)),
        (
            screen.pick("Övnings-CRM: vad det har fått veta", "Practice CRM: what it was told"),
            format!("{}/", addresses.crm),
        ),
        (
            screen.pick("Övningskatalog, lik Entra", "Practice directory, like Entra"),
            discovery(Home::Entra, &addresses.entra),
        ),
        (
            screen.pick("Övningskatalog, lik Okta", "Practice directory, like Okta"),
            discovery(Home::Okta, &addresses.okta),
        ),
    ] {
        screen.line(format_args!("  {what:<34} {address}"));
    }
    if house.is_temporary() {
        screen.say(
            "  Mappen försvinner när demon stängs; --data behåller den.",
            "  The folder goes when the demo closes; --data keeps it.",
        );
    }
    let Some(guests) = Guests::of(association) else { return };
    sign_in_as(house, &guests, screen);
    try_this(house, &guests, screen);
    screen.say("\nAvsluta med Ctrl-C.", "\nEnd with Ctrl-C.");
}

fn sign_in_as(house: &House, guests: &Guests<'_>, screen: &Screen) {
    let entrance = entrance(&house.addresses.portvakt, guests.active.home);
    screen.say(
        &format!("\nLogga in på {entrance} och klicka på:"),
        &format!("\nSign in at {entrance} and click:"),
    );
    let who: [(&Person, &str, &str); 4] = [
        (guests.active, "systemadministratör: kommer in", "system administrator: gets in"),
        (
            guests.limited,
            "begränsad: kommer in, ser bara sina egna utskick",
            "limited: gets in, sees her own mailings only",
        ),
        (guests.departed, "har slutat: en sida som säger det", "has left: a page that says so"),
        (
            guests.frozen,
            "fryst av planen nyss: en sida som säger det",
            "frozen by the plan just now: a page that says so",
        ),
    ];
    for (person, sv, en) in who {
        house.entra.provider.note(&person.external_id, Some((sv, en)));
        screen.line(format_args!("  {:<20} {}", person.name(), screen.pick(sv, en)));
    }
}

fn try_this(house: &House, guests: &Guests<'_>, screen: &Screen) {
    let program =
        std::env::current_exe().map_or_else(|_| "portvakt".to_owned(), |path| path.display().to_string());
    let portvakt = format!("{program} --config {}", house.settings_file.display());
    screen.say("\nTre saker att prova, i ett annat fönster:", "\nThree things to try, in another window:");
    let (limited, active) = (&guests.limited.user_name, &guests.active.user_name);
    let steps = [
        (
            "Varför får hon inte se en annans utskick?",
            "Why may she not see another's mailing?",
            format!("{portvakt} access check {limited} view mailing/utskick-63"),
        ),
        (
            "Stäng av ett konto, och ladda om CRM:ets sida",
            "Deactivate an account, and load the CRM's page again",
            format!("{portvakt} account deactivate {limited} --reason \"prov\""),
        ),
        (
            "Allt om ett konto: historia, grupper, vad som väntar",
            "Everything about an account: history, groups, what is to come",
            format!("{portvakt} account show {active}"),
        ),
    ];
    for (number, (sv, en, command)) in (1..).zip(steps) {
        screen.line(format_args!("  {number}. {}\n     {command}", screen.pick(sv, en)));
    }
}
