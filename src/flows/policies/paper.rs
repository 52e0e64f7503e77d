//! The policy as a page: Markdown, or HTML that can be printed.
//!
//! Invariant: every text is escaped for the form it stands in; the page holds no script and asks nobody for anything.

use std::fmt::Write as _;

use super::super::{Ports, Refusal};
use super::{compile, versions};
use crate::config::parse_policy;
use crate::domain::days::Reading;
use crate::domain::language::Language;
use crate::domain::policy::document::{self, Block, GroupNames, Imprint, Source};
use crate::store::survey;

/// The form of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Markdown, as it is written on the command line and in e-mail.
    Markdown,
    /// One HTML file.
    Html,
}

/// How the page looks, on screen and on paper.
const STYLE: &str = "body{font:16px/1.55 Georgia,serif;color:#1a1a1a;max-width:48rem;margin:2.5rem auto;padding:0 1.25rem}
h1,h2{font-family:system-ui,sans-serif;line-height:1.2}h1{margin-bottom:.3em}h2{margin-top:2em;border-bottom:1px solid #bbb;padding-bottom:.2em}
table{border-collapse:collapse;width:100%;margin:1em 0;font-size:.92em}th,td{border:1px solid #999;padding:.35em .55em;text-align:left;vertical-align:top;overflow-wrap:anywhere}
th{background:#eee;font-family:system-ui,sans-serif}li{margin:.3em 0}
@media print{body{max-width:none;margin:0;font-size:11pt}h2{break-after:avoid}tr,li{break-inside:avoid}@page{margin:2cm}}";

/// The policy in force as a page, or the one in `draft`.
///
/// # Errors
///
/// [`Refusal::NoPolicy`] before the first one; [`Refusal::Policy`] with the mistakes of a draft.
pub async fn document(
    ports: &Ports,
    draft: Option<(&str, &str)>,
    language: Language,
    form: Form,
) -> Result<String, Refusal> {
    let blocks = blocks(ports, draft, language).await?;
    Ok(match form {
        Form::Markdown => markdown(&blocks),
        Form::Html => html(&blocks, language),
    })
}

/// The same, block by block, for whoever has a page around it.
///
/// # Errors
///
/// As [`document()`].
pub async fn blocks(
    ports: &Ports,
    draft: Option<(&str, &str)>,
    language: Language,
) -> Result<Vec<Block>, Refusal> {
    let (policy, imprint) = if let Some((text, file)) = draft {
        (parse_policy(text, file).map_err(Refusal::Policy)?, None)
    } else {
        let version = versions::show(ports, None).await?;
        let (number, applied_at, hash) = (version.number, version.applied_at, version.hash.clone());
        (compile(version)?.policy, Some(Imprint { number, applied_at, hash }))
    };
    let settings = &ports.settings;
    let own = settings.directories.iter().flat_map(|directory| &directory.protected);
    let protected: Vec<String> = settings.protected.iter().chain(own).cloned().collect();
    let groups = group_names(ports).await?;
    let source =
        Source { policy: &policy, imprint: imprint.as_ref(), protected: &protected, groups: &groups };
    Ok(document::document(source, &Reading::of(&policy, language, ports.clock.now())))
}

/// What the directories call their groups, by the ids that rules may ask for.
pub(in crate::flows) async fn group_names(ports: &Ports) -> Result<GroupNames, Refusal> {
    let mut c = ports.db.read().await?;
    let mut names = GroupNames::new();
    for directory in &ports.settings.directories {
        for group in survey::groups(&mut c, &directory.id).await? {
            if !group.name.is_empty() {
                names.insert(group.id.to_string(), group.name.clone());
                names.extend(group.external_id.map(|id| (id, group.name)));
            }
        }
    }
    Ok(names)
}

fn markdown(blocks: &[Block]) -> String {
    let cell = |text: &String| text.replace('|', "\\|").replace('\n', " ");
    let row = |cells: &[String]| format!("| {} |\n", cells.iter().map(cell).collect::<Vec<_>>().join(" | "));
    let mut parts = Vec::new();
    for block in blocks {
        parts.push(match block {
            Block::Title(text) => format!("# {text}\n"),
            Block::Heading(text) => format!("## {text}\n"),
            Block::Paragraph(text) => format!("{text}\n"),
            Block::List(items) => lines(items, |item| format!("- {item}\n")),
            Block::Table(titles, rows) => {
                let rule = format!("|{}\n", " --- |".repeat(titles.len()));
                let rows: String = rows.iter().map(|cells| row(cells)).collect();
                format!("{}{rule}{rows}", row(titles))
            }
        });
    }
    parts.join("\n")
}

fn html(blocks: &[Block], language: Language) -> String {
    let title = blocks.iter().find_map(|block| match block {
        Block::Title(text) => Some(escaped(text)),
        Block::Heading(_) | Block::Paragraph(_) | Block::List(_) | Block::Table(..) => None,
    });
    let mut page = format!(
        "<!doctype html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n\
         <style>\n{STYLE}\n</style>\n</head>\n<body>\n",
        title.unwrap_or_default()
    );
    for block in blocks {
        page.push_str(&element(block));
    }
    page.push_str("</body>\n</html>\n");
    page
}

fn lines(items: &[String], line: impl Fn(&str) -> String) -> String {
    items.iter().fold(String::new(), |text, item| text + &line(item))
}

fn element(block: &Block) -> String {
    match block {
        Block::Title(text) => format!("<h1>{}</h1>\n", escaped(text)),
        Block::Heading(text) => format!("<h2>{}</h2>\n", escaped(text)),
        Block::Paragraph(text) => format!("<p>{}</p>\n", escaped(text)),
        Block::List(items) => {
            let items = lines(items, |item| format!("<li>{}</li>\n", escaped(item)));
            format!("<ul>\n{items}</ul>\n")
        }
        Block::Table(titles, rows) => {
            let mut table = "<table>\n<thead><tr>".to_owned();
            for title in titles {
                // Writing to a String cannot fail.
                let _ = write!(table, "<th scope=\"col\">{}</th>", escaped(title));
            }
            table.push_str("</tr></thead>\n<tbody>\n");
            for row in rows {
                table.push_str("<tr>");
                for cell in row {
                    let _ = write!(table, "<td>{}</td>", escaped(cell));
                }
                table.push_str("</tr>\n");
            }
            table.push_str("</tbody>\n</table>\n");
            table
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_markup_is_escaped_in_either_form() {
        let row = vec!["a|b".to_owned(), "<script>x</script>".to_owned()];
        let blocks = [Block::Title("R&D".to_owned()), Block::Table(row.clone(), vec![row])];
        let page = html(&blocks, Language::Sv);
        assert!(page.contains("<title>R&amp;D</title>") && page.contains("<html lang=\"sv\">"));
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script"));
        assert!(markdown(&blocks).contains("| a\\|b | <script>x</script> |"));
    }
}
