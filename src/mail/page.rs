//! The one template of letters: quiet, readable in light and dark, made from the plain text.
//!
//! Invariant: everything that comes from the text is escaped, and nothing is fetched from elsewhere, so that opening a
//! letter tells nobody that it was opened.

use crate::domain::language::Language;

/// Mail programs that know no dark mode take the first colours; the others the second.
const HEAD: &str = "<meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
<meta name=\"color-scheme\" content=\"light dark\"><meta name=\"supported-color-schemes\" content=\"light dark\"><style>\
:root{color-scheme:light dark}\
@media (prefers-color-scheme:dark){.pv-bg{background:#15191c!important}.pv-card{background:#1f2529!important;\
border-color:#37414a!important}.pv-t{color:#e8ecef!important}.pv-m{color:#a5b0b9!important}\
.pv-a{color:#9cc7e8!important;border-color:#4a6579!important}}</style>";

const FONT: &str = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";

/// The page of a text.
pub(super) fn html(title: &str, text: &str, language: Language) -> String {
    let (body, foot) = match text.split_once("\n-- \n") {
        Some((body, foot)) => (body, foot.trim()),
        None => (text, ""),
    };
    let blocks: String =
        body.split("\n\n").map(str::trim).filter(|block| !block.is_empty()).map(block).collect();
    let foot = if foot.is_empty() {
        String::new()
    } else {
        format!(
            "<p class=\"pv-m\" style=\"margin:16px 4px 0;font-size:13px;line-height:1.5;color:#5b6770;{FONT}\">{}</p>",
            escaped(foot)
        )
    };
    format!(
        "<!doctype html><html lang=\"{}\"><head>{HEAD}<title>{}</title></head>\
         <body class=\"pv-bg\" style=\"margin:0;padding:0;background:#f3f5f6\">\
         <table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" class=\"pv-bg\" \
         style=\"background:#f3f5f6\"><tr><td align=\"center\" style=\"padding:24px 12px\">\
         <table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" \
         style=\"max-width:600px;text-align:left\"><tr><td class=\"pv-card\" \
         style=\"background:#ffffff;border:1px solid #d9dfe3;border-radius:8px;padding:28px 28px 12px\">{blocks}</td></tr>\
         <tr><td>{foot}</td></tr></table></td></tr></table></body></html>\n",
        language.tag(),
        escaped(title)
    )
}

fn block(block: &str) -> String {
    let mut html = String::new();
    let mut lines: Vec<&str> = Vec::new();
    let mut items: Vec<&str> = Vec::new();
    for line in block.lines().map(str::trim_end) {
        let is_way = is_address(line) || line.starts_with("portvakt ");
        if let Some(item) = line.strip_prefix("- ") {
            paragraph(&mut lines, &mut html);
            items.push(item);
        } else if is_way {
            paragraph(&mut lines, &mut html);
            list(&mut items, &mut html);
            html.push_str(&if is_address(line) { way(line) } else { command(line) });
        } else {
            list(&mut items, &mut html);
            lines.push(line);
        }
    }
    paragraph(&mut lines, &mut html);
    list(&mut items, &mut html);
    html
}

fn paragraph(lines: &mut Vec<&str>, html: &mut String) {
    if lines.is_empty() {
        return;
    }
    let text: Vec<String> = lines.drain(..).map(escaped).collect();
    let paragraph = format!(
        "<p class=\"pv-t\" style=\"margin:0 0 16px;font-size:16px;line-height:1.5;color:#1d252b;{FONT}\">{}</p>",
        text.join("<br>")
    );
    html.push_str(&paragraph);
}

fn list(items: &mut Vec<&str>, html: &mut String) {
    if items.is_empty() {
        return;
    }
    let all: Vec<String> =
        items.drain(..).map(|item| format!("<li style=\"margin:0 0 4px\">{}</li>", escaped(item))).collect();
    let all = all.concat();
    let list = format!(
        "<ul class=\"pv-t\" style=\"margin:0 0 16px;padding-left:20px;font-size:16px;line-height:1.5;color:#1d252b;\
         {FONT}\">{all}</ul>"
    );
    html.push_str(&list);
}

/// The address stands as it is, so that everybody sees where it leads before they follow it.
fn way(address: &str) -> String {
    let address = escaped(address);
    format!(
        "<p style=\"margin:0 0 16px\"><a class=\"pv-a\" href=\"{address}\" style=\"display:inline-block;padding:10px 16px;\
         border:1px solid #9fb6c6;border-radius:6px;font-size:16px;line-height:1.4;color:#0f5685;text-decoration:none;\
         word-break:break-all;{FONT}\">{address}</a></p>"
    )
}

fn command(line: &str) -> String {
    format!(
        "<p class=\"pv-m\" style=\"margin:0 0 16px;font-size:13px;line-height:1.5;color:#5b6770;word-break:break-all;\
         font-family:ui-monospace,Consolas,monospace\">{}</p>",
        escaped(line)
    )
}

fn is_address(line: &str) -> bool {
    (line.starts_with("https://") || line.starts_with("http://")) && !line.contains(char::is_whitespace)
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' => escaped.push_str("<br>"),
            // Some programs show these as the beginning of a line.
            '\u{2028}' | '\u{2029}' => escaped.push(' '),
            other if other.is_control() => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Hej <b>Åsa</b> & \"Bo\",\n\nFörsta raden:\nhttps://p.example/sso/notice?a=1&b=2\n\n- ett\n- två\n\n\
                        portvakt lifecycle runs\n\n-- \nSkickat av Portvakt";

    #[test]
    fn a_name_is_text_and_an_address_is_a_link_that_says_where_it_leads() {
        let page = html("Ämne <i>", TEXT, Language::Sv);
        assert!(page.contains("Hej &lt;b&gt;Åsa&lt;/b&gt; &amp; &quot;Bo&quot;,"), "{page}");
        assert!(page.contains("<title>Ämne &lt;i&gt;</title>") && page.contains("lang=\"sv\""), "{page}");
        let address = "https://p.example/sso/notice?a=1&amp;b=2";
        assert!(
            page.contains(&format!("href=\"{address}\"")) && page.contains(&format!(">{address}</a>")),
            "{page}"
        );
        assert!(page.contains("<li style=\"margin:0 0 4px\">två</li>"), "{page}");
        assert!(!page.contains("-- "), "the foot's mark is for text alone: {page}");
    }

    #[test]
    fn nothing_is_fetched_and_nothing_runs() {
        let page = html("x", &TEXT.replace("https", "javascript"), Language::En).to_lowercase();
        for forbidden in ["<img", "<script", "<link", "url(", "@import", "href=\"javascript", "src="] {
            assert!(!page.contains(forbidden), "{forbidden}: {page}");
        }
        assert!(page.contains("prefers-color-scheme:dark"));
    }
}
