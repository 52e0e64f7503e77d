//! The first half of the document: roles, components, sectors, limited accounts, items, and how rights are had.
//!
//! Invariant: every role, sector, component and rule of the policy is named once in its own section.

use super::{Block, Source};
use crate::domain::language::Language;
use crate::domain::policy::phrase::{and, capital, condition, link, module, name, opens, pick, role, sector};
use crate::domain::policy::rule_lines::rule_lines;
use crate::domain::policy::{Component, Console, Policy, Role, Unmatched};

/// Adds the sections.
pub(super) fn tell(source: Source<'_>, language: Language, blocks: &mut Vec<Block>) {
    let policy = source.policy;
    roles(policy, language, blocks);
    components(policy, language, blocks);
    limited(source, language, blocks);
    items(policy, language, blocks);
    rules(source, language, blocks);
}

fn roles(policy: &Policy, language: Language, blocks: &mut Vec<Block>) {
    let says = |sv: &str, en: &str| pick(language, sv, en).to_owned();
    blocks.push(Block::Heading(says("Roller", "Roles")));
    blocks.push(Block::Paragraph(says(
        "En roll öppnar en eller flera moduler i CRM-systemet. Den som har flera roller får göra allt som någon av \
         dem tillåter.",
        "A role opens one or several modules of the CRM. Whoever holds several may do whatever one of them allows.",
    )));
    let titles = vec![says("Roll", "Role"), says("Öppnar", "Opens"), says("Särskilt", "In particular")];
    let rows = policy.roles.values().map(|role| {
        vec![name(&role.name, language), opens(policy, role, language), particulars(role, language)]
    });
    blocks.push(Block::Table(titles, rows.collect()));
}

fn particulars(role: &Role, language: Language) -> String {
    let mut words = Vec::new();
    if role.is_critical {
        words.push(pick(language, "får aldrig stå utan innehavare", "is never left without a holder"));
    }
    words.extend(role.console.map(|console| match console {
        Console::Administrator => pick(language, "administrerar Portvakt", "administers Portvakt"),
        Console::Reviewer => pick(language, "deltar i genomgångar", "takes part in reviews"),
        Console::Auditor => pick(language, "granskar Portvakt", "audits Portvakt"),
    }));
    words.join(", ")
}

fn components(policy: &Policy, language: Language, blocks: &mut Vec<Block>) {
    let says = |sv: &str, en: &str| pick(language, sv, en).to_owned();
    blocks.push(Block::Heading(says("Modulernas innehåll", "What the modules hold")));
    let titles = vec![says("Komponent", "Component"), says("Modul", "Module"), says("Sektor", "Sector")];
    let rows = policy.components.values().map(|component| {
        let lies_in = match (&component.sector, component.is_administration) {
            (_, true) => says("administration", "administration"),
            (Some(id), false) => sector(policy, id, language),
            (None, false) => says("utanför alla sektorer", "outside every sector"),
        };
        vec![name(&component.name, language), module(policy, &component.module, language), lies_in]
    });
    blocks.push(Block::Table(titles, rows.collect()));
}

fn limited(source: Source<'_>, language: Language, blocks: &mut Vec<Block>) {
    let policy = source.policy;
    let says = |sv: &str, en: &str| pick(language, sv, en).to_owned();
    blocks.push(Block::Heading(says("Begränsade användare", "Limited accounts")));
    blocks.push(Block::Paragraph(says(
        "Ett konto kan göras begränsat, när det skapas eller senare, av en regel eller av en person. En begränsad \
         användare når bara det som ligger i de sektorer som kontot har, och aldrig administration: inställningar, \
         abonnemang och andra användare är stängda, vilka roller kontot än har.",
        "An account can be made limited, when it is created or later, by a rule or by a person. A limited account \
         reaches only what lies in the sectors it holds, and never administration: settings, subscription and other \
         users are closed to it, whatever roles it holds.",
    )));
    let titles = vec![says("Sektor", "Sector"), says("Omfattar", "Comprises")];
    let rows = policy.sectors.iter().map(|(id, sector)| {
        let lies_in = |component: &&Component| component.sector.as_ref() == Some(id);
        let inside = policy.components.values().filter(lies_in);
        let inside: Vec<String> = inside.map(|component| name(&component.name, language)).collect();
        let mut said = if inside.is_empty() { says("ingenting", "nothing") } else { inside.join(", ") };
        if sector.is_critical {
            said.push_str(pick(
                language,
                " (får aldrig stå utan innehavare)",
                " (is never left without a holder)",
            ));
        }
        vec![name(&sector.name, language), said]
    });
    blocks.push(Block::Table(titles, rows.collect()));
    let by_rule = policy.rules.iter().filter(|rule| rule.gives.limited == Some(true));
    let by_rule: Vec<String> = by_rule
        .map(|rule| format!("{}: {}", rule.id, condition(&rule.when, language, source.groups)))
        .collect();
    if by_rule.is_empty() {
        blocks.push(Block::Paragraph(says(
            "Ingen regel begränsar någon; det gör en person, med skäl.",
            "No rule limits anybody; a person does, with a reason.",
        )));
    } else {
        blocks.push(Block::Paragraph(says(
            "Av regler begränsas den som, med regelns namn:",
            "Limited by rules, with the name of the rule, is whoever:",
        )));
        blocks.push(Block::List(by_rule));
    }
}

fn items(policy: &Policy, language: Language, blocks: &mut Vec<Block>) {
    let says = |sv: &str, en: &str| pick(language, sv, en).to_owned();
    blocks.push(Block::Heading(says("Föremålsbegränsning", "Item restriction")));
    blocks.push(Block::Paragraph(says(
        "Den som är föremålsbegränsad ser, i komponenterna nedan, bara det som är kopplat eller tilldelat till \
         kontot eller till en roll som kontot har. Den som förlorar en tilldelning förlorar föremålet ur sikte, om \
         inte en koppling finns kvar. En koppling kan också göras för hand, med skäl.",
        "Whoever is item-restricted sees, in the components below, only what is linked or assigned to the account or \
         to a role that it holds. Whoever loses an assignment loses sight of the item, unless a link stays. A link \
         can also be made by hand, with a reason.",
    )));
    let titles = vec![says("Komponent", "Component"), says("Kopplas av sig själv", "Linked by itself")];
    let supporting = policy.components.values().filter(|component| component.supports_items);
    let rows = supporting.map(|component| {
        let links: Vec<String> = component.links_on.iter().map(|on| link(*on, language).to_owned()).collect();
        let said = if links.is_empty() { says("nej", "no") } else { and(&links, language) };
        vec![name(&component.name, language), said]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    blocks.push(if rows.is_empty() {
        Block::Paragraph(says("Ingen komponent stöder det.", "No component supports it."))
    } else {
        Block::Table(titles, rows)
    });
}

fn rules(source: Source<'_>, language: Language, blocks: &mut Vec<Block>) {
    let policy = source.policy;
    let says = |sv: &str, en: &str| pick(language, sv, en).to_owned();
    blocks.push(Block::Heading(says("Hur behörighet ges", "How rights are given")));
    blocks.push(Block::Paragraph(says(
        "Den som uppfyller flera regler får det som var och en ger. Om regler säger olika om begränsning gäller den \
         med lägst ordningstal, och mellan lika den strängare.",
        "Whoever meets several rules gets what each of them gives. Where rules disagree about limits, the one with \
         the lowest order decides, and between equals the stricter one.",
    )));
    let titles = vec![
        says("Regel", "Rule"),
        says("Den som", "Whoever"),
        says("Får", "Gets"),
        says("Ordning", "Order"),
    ];
    let lines = rule_lines(policy, language, source.groups).into_iter();
    let rows: Vec<Vec<String>> =
        lines.map(|line| vec![line.rule.to_string(), line.who, line.gets, line.order.to_string()]).collect();
    if !rows.is_empty() {
        blocks.push(Block::Table(titles, rows));
    }
    blocks.push(Block::List(terms(policy, language)));
}

/// What holds beside the rules: for whom none matches, for administration, and for rights by hand.
fn terms(policy: &Policy, language: Language) -> Vec<String> {
    let says = |sv: &str, en: &str| pick(language, sv, en).to_owned();
    let unmatched = match &policy.unmatched {
        Unmatched::NoAccess => says(
            "Den som ingen regel träffar får ett konto utan behörighet.",
            "Whoever no rule matches has an account without rights.",
        ),
        Unmatched::Reject => {
            says("Den som ingen regel träffar får inget konto.", "Whoever no rule matches gets no account.")
        }
        Unmatched::Role(id) => {
            let name = role(policy, id, language);
            match language {
                Language::Sv => format!("Den som ingen regel träffar får rollen {name}."),
                Language::En => format!("Whoever no rule matches gets the role {name}."),
            }
        }
    };
    let by_rule = if policy.administrators_by_rule {
        says(
            "Även roller som öppnar administration ges av regler.",
            "Roles that open administration are given by rules too.",
        )
    } else {
        says(
            "Roller som öppnar administration ges bara för hand, aldrig av en regel.",
            "Roles that open administration are given by hand only, never by a rule.",
        )
    };
    let by_hand = match policy.manual_grants_expire_after {
        Some(length) => {
            let length = crate::domain::policy::phrase::length(length, language);
            match language {
                Language::Sv => format!(
                    "Behörighet som ges för hand kräver ett skäl och upphör efter {length}, om inte annat sägs."
                ),
                Language::En => format!(
                    "Rights given by hand need a reason and end after {length}, unless something else is said."
                ),
            }
        }
        None => says(
            "Behörighet som ges för hand kräver ett skäl men inget slutdatum.",
            "Rights given by hand need a reason, but no end.",
        ),
    };
    [unmatched, by_rule, by_hand].iter().map(|text| capital(text)).collect()
}
