//! Differences of modules, sectors, components and roles.
//!
//! Invariant: a part is matched by its id; another name alone is told as another name.

use std::collections::BTreeSet;

use super::Said;
use crate::domain::language::Text;
use crate::domain::policy::phrase::{actions, link, module, opened, opens, pick, sector};
use crate::domain::policy::{Action, Component, Console, Policy, Role, Sector};

pub(super) fn modules(former: &Policy, new: &Policy, said: &mut Said) {
    let (was, is) = (&former.modules, &new.modules);
    for (id, one) in was {
        match is.get(id) {
            None => gone("Modulen", "The module", &one.name, said),
            Some(other) => renamed("Modulen", "The module", &one.name, &other.name, said),
        }
    }
    for (_, one) in is.iter().filter(|(id, _)| !was.contains_key(*id)) {
        came("Modulen", "The module", &one.name, said);
    }
}

pub(super) fn sectors(former: &Policy, new: &Policy, said: &mut Said) {
    let (was, is) = (&former.sectors, &new.sectors);
    for (id, one) in was {
        let Some(other) = is.get(id) else {
            gone("Sektorn", "The sector", &one.name, said);
            continue;
        };
        renamed("Sektorn", "The sector", &one.name, &other.name, said);
        critical("Sektorn", "The sector", &other.name, (one.is_critical, other.is_critical), said);
        let (sv, en) = (&other.name.sv, &other.name.en);
        let owner = |sector: &Sector| sector.owner.clone().unwrap_or_else(|| "–".to_owned());
        said.change(
            &format!("Sektorn {sv}, ansvarig"),
            &format!("The sector {en}, owner"),
            &owner(one),
            &owner(other),
        );
    }
    for (_, one) in is.iter().filter(|(id, _)| !was.contains_key(*id)) {
        came("Sektorn", "The sector", &one.name, said);
    }
}

pub(super) fn components(former: &Policy, new: &Policy, said: &mut Said) {
    let (was, is) = (&former.components, &new.components);
    for (id, one) in was {
        let Some(other) = is.get(id) else {
            gone("Komponenten", "The component", &one.name, said);
            continue;
        };
        renamed("Komponenten", "The component", &one.name, &other.name, said);
        moved((former, one), (new, other), said);
    }
    for (_, one) in is.iter().filter(|(id, _)| !was.contains_key(*id)) {
        came("Komponenten", "The component", &one.name, said);
    }
}

fn moved((former, one): (&Policy, &Component), (new, other): (&Policy, &Component), said: &mut Said) {
    let language = said.language;
    let name = other.name.get(language).to_owned();
    let (from, to) = (module(former, &one.module, language), module(new, &other.module, language));
    if one.module != other.module {
        said.say(
            format!("Komponenten {name} öppnas av en annan modul: {from} → {to}."),
            format!("The component {name} is opened by another module: {from} → {to}."),
        );
    }
    let lies = |policy: &Policy, component: &Component| match &component.sector {
        Some(id) => sector(policy, id, language),
        None => pick(language, "ingen", "none").to_owned(),
    };
    if one.sector != other.sector {
        let (from, to) = (lies(former, one), lies(new, other));
        said.say(
            format!("Komponenten {name} ligger i en annan sektor: {from} → {to}."),
            format!("The component {name} lies in another sector: {from} → {to}."),
        );
    }
    match (one.supports_items, other.supports_items) {
        (true, false) => said.say(
            format!("Komponenten {name} har inte längre föremålsbegränsning."),
            format!("The component {name} has no item restriction any more."),
        ),
        (false, true) => said.say(
            format!("Komponenten {name} får föremålsbegränsning."),
            format!("The component {name} has item restriction from now on."),
        ),
        (_, _) => {}
    }
    if one.is_administration != other.is_administration {
        let (from, to) = (said.yes(one.is_administration), said.yes(other.is_administration));
        said.say(
            format!("Komponenten {name} räknas som administration: {from} → {to}."),
            format!("The component {name} counts as administration: {from} → {to}."),
        );
    }
    if one.links_on != other.links_on {
        let listed = |component: &Component| {
            let links: Vec<&str> = component.links_on.iter().map(|on| link(*on, language)).collect();
            if links.is_empty() { pick(language, "ingen", "nobody").to_owned() } else { links.join(", ") }
        };
        let (from, to) = (listed(one), listed(other));
        said.say(
            format!("Komponenten {name} kopplas av sig själv för: {from} → {to}."),
            format!("The component {name} is linked by itself for: {from} → {to}."),
        );
    }
}

pub(super) fn roles(former: &Policy, new: &Policy, said: &mut Said) {
    let (was, is) = (&former.roles, &new.roles);
    for (id, one) in was {
        let Some(other) = is.get(id) else {
            gone("Rollen", "The role", &one.name, said);
            continue;
        };
        renamed("Rollen", "The role", &one.name, &other.name, said);
        critical("Rollen", "The role", &other.name, (one.is_critical, other.is_critical), said);
        openings((former, one), (new, other), said);
        let console = |role: &Role| role.console.map_or("–", Console::name);
        let (from, to) = (console(one), console(other));
        let name = other.name.get(said.language).to_owned();
        let sv = format!("Rollen {name} på Portvakts egna sidor");
        said.change(&sv, &format!("The role {name} on Portvakt's own pages"), from, to);
    }
    for (_, one) in is.iter().filter(|(id, _)| !was.contains_key(*id)) {
        let language = said.language;
        let (name, opens) = (one.name.get(language).to_owned(), opens(new, one, said.language));
        said.say(
            format!("Rollen {name} är ny; den öppnar {opens}."),
            format!("The role {name} is new; it opens {opens}."),
        );
    }
}

fn openings((former, one): (&Policy, &Role), (new, other): (&Policy, &Role), said: &mut Said) {
    let language = said.language;
    let name = other.name.get(language).to_owned();
    // A module that came or went is told by itself.
    for id in former.modules.keys().filter(|id| new.modules.contains_key(*id)) {
        let (was, is) = (opened(one, id), opened(other, id));
        let title = module(new, id, language);
        let more: BTreeSet<Action> = is.difference(&was).copied().collect();
        let less: BTreeSet<Action> = was.difference(&is).copied().collect();
        if !more.is_empty() {
            let some = actions(&more, language);
            said.say(
                format!("Rollen {name} öppnar {title} ({some})."),
                format!("The role {name} opens {title} ({some})."),
            );
        }
        if !less.is_empty() {
            let some = actions(&less, language);
            said.say(
                format!("Rollen {name} öppnar inte längre {title} ({some})."),
                format!("The role {name} no longer opens {title} ({some})."),
            );
        }
    }
    for id in new.modules.keys().filter(|id| !former.modules.contains_key(*id)) {
        let is = opened(other, id);
        if !is.is_empty() {
            let (title, some) = (module(new, id, language), actions(&is, language));
            said.say(
                format!("Rollen {name} öppnar {title} ({some})."),
                format!("The role {name} opens {title} ({some})."),
            );
        }
    }
}

fn gone(sv: &str, en: &str, name: &Text, said: &mut Said) {
    said.say(format!("{sv} {} är borta.", name.sv), format!("{en} {} is gone.", name.en));
}

fn came(sv: &str, en: &str, name: &Text, said: &mut Said) {
    said.say(format!("{sv} {} är ny.", name.sv), format!("{en} {} is new.", name.en));
}

fn renamed(sv: &str, en: &str, was: &Text, is: &Text, said: &mut Said) {
    if was.get(said.language) != is.get(said.language) {
        said.say(
            format!("{sv} {} heter nu {}.", was.sv, is.sv),
            format!("{en} {} is now called {}.", was.en, is.en),
        );
    }
}

fn critical(sv: &str, en: &str, name: &Text, (was, is): (bool, bool), said: &mut Said) {
    if was != is {
        let (from, to) = (said.yes(was), said.yes(is));
        said.say(
            format!("{sv} {} får aldrig stå utan innehavare: {from} → {to}.", name.sv),
            format!("{en} {} is never left without a holder: {from} → {to}.", name.en),
        );
    }
}
