//! Where everything is, whom to sign in as, and what to try.
//!
//! Invariant: every address and every command works as it is printed.

use super::expected::Guests;
use super::house::House;
use super::screen::Screen;
use super::visit::entrance;
use crate::demo::association::{Association, Person};

/// Tells the guest what there is to see.
pub(super) fn tell(house: &House, association: &Association, screen: &Screen) {
    let addresses = &house.addresses;
    screen.say("\nDemon är öppen. Adresser:", "\nThe demo is open. Addresses:");
    for (what, address) in [
        ("Portvakt", addresses.portvakt.as_str()),
        (screen.pick("Övningskatalog, lik Entra", "Practice directory, like Entra"), &addresses.entra),
        (screen.pick("Övningskatalog, lik Okta", "Practice directory, like Okta"), &addresses.okta),
        (screen.pick("Övnings-CRM: vad det har fått veta", "Practice CRM: what it was told"), &addresses.crm),
    ] {
        screen.line(format_args!("  {what:<36} {address}/"));
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
        (guests.active, "systemadministratör, kommer in", "a system administrator, gets in"),
        (guests.limited, "begränsad: bara sina egna utskick", "limited: her own mailings only"),
        (guests.departed, "har slutat: en sida som säger det", "has left: a page that says so"),
        (guests.frozen, "fryst av planen nyss", "frozen by the plan just now"),
    ];
    for (person, sv, en) in who {
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
        screen.line(format_args!("  {number}. {}:\n     {command}", screen.pick(sv, en)));
    }
}
