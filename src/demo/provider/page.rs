//! What the practice provider shows: the people to click, and short messages.
//!
//! Invariant: every text from outside is escaped; nothing is loaded from elsewhere and nothing needs a script.

use super::super::association::Home;
use super::Listed;

/// The sentences of one language.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) lang: &'static str,
    pub(super) title: &'static str,
    pub(super) lead: &'static str,
    pub(super) practice: &'static str,
    pub(super) nobody: &'static str,
    pub(super) signed_out: &'static str,
    pub(super) close: &'static str,
    pub(super) unknown_client: &'static str,
    pub(super) unknown_address: &'static str,
    pub(super) unknown_person: &'static str,
    pub(super) too_late: &'static str,
    pub(super) no_chance: &'static str,
}

pub(super) const SWEDISH: Words = Words {
    lang: "sv",
    title: "Vem är du?",
    lead: "Klicka på den du vill logga in som.",
    practice: "En övningskatalog: alla är påhittade och ingen behöver lösenord. Även den som har slutat går att \
               klicka på, så att man ser hur Portvakt svarar.",
    nobody: "Här finns ingen än.",
    signed_out: "Du är utloggad",
    close: "Du kan stänga fönstret.",
    unknown_client: "Programmet som skickade dig hit är inte känt här",
    unknown_address: "Adressen du ska tillbaka till är inte anmäld här",
    unknown_person: "Personen finns inte i katalogen",
    too_late: "Inloggningen har redan använts eller tog för lång tid. Börja om i CRM:et.",
    no_chance: "Operativsystemet ger inga slumptal",
};

pub(super) const ENGLISH: Words = Words {
    lang: "en",
    title: "Who are you?",
    lead: "Click the person you want to sign in as.",
    practice: "A practice directory: everybody is invented and nobody needs a password. Those who have left can be \
               clicked too, so that one sees what Portvakt answers.",
    nobody: "There is nobody here yet.",
    signed_out: "You are signed out",
    close: "You can close the window.",
    unknown_client: "The program that sent you is not known here",
    unknown_address: "The address you are to return to is not registered here",
    unknown_person: "There is no such person in the directory",
    too_late: "This sign-in has been used or took too long. Begin again in the CRM.",
    no_chance: "The operating system gives no random numbers",
};

/// What one login page is about.
pub(super) struct Login<'a> {
    pub(super) home: Home,
    pub(super) request: &'a str,
    /// The name or address that Portvakt was given; the person stands first.
    pub(super) hint: Option<&'a str>,
}

/// The page that lists people to click.
pub(super) fn login(words: &Words, login: &Login<'_>, mut people: Vec<Listed>) -> String {
    let is_hinted =
        |person: &Listed| login.hint.is_some_and(|hint| hint.eq_ignore_ascii_case(&person.user_name));
    people.sort_by_cached_key(|person| (!is_hinted(person), person.user_name.clone()));
    let list: String = people.iter().map(|person| button(words, person)).collect();
    let list = if list.is_empty() { format!("<p>{}</p>", words.nobody) } else { format!("<ul>{list}</ul>") };
    // Relative: the login page and where it is sent lie in the same folder at both providers.
    let body = format!(
        "<h1>{title}</h1><p>{lead}</p><p class=\"muted\">{practice}</p>\
         <form method=\"post\" action=\"sign-in\"><input type=\"hidden\" name=\"request\" value=\"{request}\">{list}</form>",
        title = words.title,
        lead = words.lead,
        practice = words.practice,
        request = escape(login.request),
    );
    page(words.lang, &format!("{} – {}", words.title, login.home.name()), login.home.name(), &body)
}

fn button(words: &Words, person: &Listed) -> String {
    let note = person.note.map_or_else(String::new, |(swedish, english)| {
        format!("<em>{}</em>", if words.lang == "en" { english } else { swedish })
    });
    format!(
        "<li><button name=\"person\" value=\"{id}\"><b>{name}</b>{note}<small>{title} · {user_name}</small></button></li>",
        id = escape(&person.id),
        name = escape(&person.name),
        title = escape(&person.title),
        user_name = escape(&person.user_name),
    )
}

/// A page with a heading and a sentence.
pub(super) fn message(words: &Words, heading: &str, sentence: &str) -> String {
    let body = format!("<h1>{}</h1><p>{}</p>", escape(heading), escape(sentence));
    page(words.lang, heading, "Björkbacken", &body)
}

fn page(lang: &str, title: &str, brand: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"{lang}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><link rel=\"icon\" href=\"data:,\"><title>{title}</title><style>{STYLE}</style></head>\
         <body><header>{brand}</header><main>{body}</main></body></html>",
        title = escape(title),
        brand = escape(brand),
    )
}

/// Makes a text harmless within HTML, attributes in double quotes included.
pub(in crate::demo) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// The colours and measures of Portvakt's own pages, as far as these pages need them.
pub(in crate::demo) const STYLE: &str = "\
:root{color-scheme:light dark;--page:#fbfbf9;--card:#fff;--hover:#f1f3f5;--line:#e3e2dc;--ink:#1b2025;--muted:#565d64;--accent:#1c5a92;--warn:#855000}\
@media(prefers-color-scheme:dark){:root{--page:#15181b;--card:#1b1f23;--hover:#242a30;--line:#30363c;--ink:#e7e9eb;--muted:#a7afb7;--accent:#8bbdec;--warn:#e9b662}}\
*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);font:.9375rem/1.5 system-ui,'Segoe UI',Roboto,sans-serif}\
header{padding:1.125rem 1.25rem;font-weight:650;font-size:1.0625rem}main{max-width:60rem;margin:0 auto;padding:0 1.25rem 3rem}\
h1{font-size:1.625rem;line-height:1.25;margin:0 0 .5rem}p{margin:0 0 .75rem;max-width:40rem}.muted,small{color:var(--muted)}\
ul{list-style:none;margin:1rem 0;padding:0;display:grid;gap:.5rem;grid-template-columns:repeat(auto-fill,minmax(17rem,1fr))}\
button{width:100%;min-height:2.75rem;padding:.5rem .875rem;text-align:left;font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:6px;cursor:pointer}\
button:hover{background:var(--hover)}:focus-visible{outline:2px solid var(--accent);outline-offset:2px}\
button small{display:block;overflow-wrap:anywhere}em{font-style:normal;color:var(--warn);margin-left:.5rem;font-size:.8125rem}\
table{border-collapse:collapse;width:100%;background:var(--card);font-size:.875rem}th,td{text-align:left;padding:.5rem .75rem;border-bottom:1px solid var(--line);vertical-align:top}th{color:var(--muted);font-weight:550}\
.scroll{overflow-x:auto}";

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(id: &str, name: &str) -> Listed {
        Listed {
            id: id.to_owned(),
            user_name: format!("{id}@forening.example"),
            name: name.to_owned(),
            title: "Ledamot".to_owned(),
            locale: "sv-SE",
            note: Some(("har slutat", "has left")),
        }
    }

    #[test]
    fn the_person_that_was_hinted_at_stands_first_and_notes_are_in_the_pages_language() {
        let asked = Login { home: Home::Entra, request: "r", hint: Some("B@forening.example") };
        let page = login(&ENGLISH, &asked, vec![listed("a", "Anna"), listed("b", "Bo")]);
        assert!(page.find("Bo").unwrap() < page.find("Anna").unwrap());
        assert!(page.contains("has left") && !page.contains("har slutat"));
    }

    #[test]
    fn a_name_is_text_and_never_markup() {
        let asked = Login { home: Home::Okta, request: "\"><script>", hint: None };
        let page = login(&SWEDISH, &asked, vec![listed("c", "Siobhán O'Connell <b>")]);
        assert!(page.contains("Siobhán O&#39;Connell &lt;b&gt;") && !page.contains("<script>"));
    }
}
