//! The practice CRM's one page.
//!
//! Invariant: it shows what Portvakt told and nothing else.

use super::super::provider::{STYLE, escape};
use super::{Known, Tally};

/// The page with every account, in both languages.
pub(super) fn accounts(mut accounts: Vec<Known>, tally: Tally) -> String {
    accounts.sort_by_cached_key(|known| known.account.display_name.to_lowercase());
    let rows: String = accounts.iter().map(row).collect();
    let Tally { taken, older, refused } = tally;
    format!(
        "<!doctype html><html lang=\"sv\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><link rel=\"icon\" href=\"data:,\"><title>Övnings-CRM</title><style>{STYLE}</style></head>\
         <body><header>Föreningen Björkbackens övnings-CRM</header><main>\
         <h1>Vad Portvakt har berättat</h1>\
         <p>{taken} besked togs emot, {older} var äldre än det som redan var känt, {refused} avvisades.</p>\
         <p class=\"muted\" lang=\"en\">What Portvakt has told this CRM: {taken} messages taken, {older} older than \
         what was known, {refused} refused.</p>\
         <div class=\"scroll\"><table><thead><tr><th>Konto / Account</th><th>Status</th><th>Roller / Roles</th>\
         <th>Sektorer / Sectors</th><th>Version</th></tr></thead><tbody>{rows}</tbody></table></div>\
         </main></body></html>"
    )
}

fn row(known: &Known) -> String {
    let account = &known.account;
    let limits = match (account.limited, account.item_restricted) {
        (false, _) => "",
        (true, false) => " <em>begränsad</em>",
        (true, true) => " <em>begränsad till sina föremål</em>",
    };
    format!(
        "<tr><td>{name}<small><br>{user_name} · {crm_id}</small></td><td>{status}<small><br>{reason}</small></td>\
         <td>{roles}</td><td>{sectors}{limits}</td><td>{version}</td></tr>",
        name = escape(&account.display_name),
        user_name = escape(&account.user_name),
        crm_id = escape(&known.crm_id),
        status = escape(&account.status),
        reason = escape(&account.reason),
        roles = escape(&account.roles.join(", ")),
        sectors = escape(&account.sectors.join(", ")),
        version = known.version,
    )
}
