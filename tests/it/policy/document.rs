//! The policy as people read it: golden in both languages, reviewed by eye when it changes.
//!
//! `PORTVAKT_GOLDEN=write` writes the files anew.

use std::path::Path;

use portvakt::domain::language::Language;
use portvakt::flows::policies::{self, Form};

use super::World;
use crate::engines::{TestDb, on_each_engine};
use crate::house::{SETTINGS, TestHouse};

const SHIPPED: &str = include_str!("../../../config/policy.toml");

async fn page(t: &TestDb, language: Language, form: Form) -> String {
    let house = TestHouse::with(t, SETTINGS, SHIPPED).await;
    policies::document(&house.ports, None, language, form).await.expect("it is printed")
}

#[tokio::test]
async fn the_shipped_policy_reads_as_the_golden_document_in_both_languages() {
    on_each_engine(async |t| {
        for language in [Language::Sv, Language::En] {
            let found = page(t, language, Form::Markdown).await;
            // The checksum changes with every comment of the policy file.
            let checksum = &policies::hash(SHIPPED)[..12];
            let found = found.replace(checksum, "(…)");
            let file = format!("{}/tests/golden/policy.{language}.md", env!("CARGO_MANIFEST_DIR"));
            if std::env::var("PORTVAKT_GOLDEN").is_ok_and(|wish| wish == "write") {
                std::fs::write(&file, &found).unwrap();
            }
            let golden = std::fs::read_to_string(Path::new(&file)).unwrap_or_default();
            assert_eq!(found, golden, "{file} differs; PORTVAKT_GOLDEN=write writes it anew");
        }
    })
    .await;
}

#[tokio::test]
async fn the_printable_page_holds_no_script_and_asks_nobody_for_anything() {
    on_each_engine(async |t| {
        let found = page(t, Language::En, Form::Html).await;
        assert!(found.contains("<html lang=\"en\">") && found.contains("@media print"));
        for part in ["<script", "http://", "https://", "src=", "url(", "@import", "<link"] {
            assert!(!found.contains(part), "{part}");
        }
        assert_eq!(found.matches("<table>").count(), found.matches("</table>").count());
        for part in ["Board discussions", "brandlucka@forening.example", "45 days", "1 March and 1 October"] {
            assert!(found.contains(part), "{part} is missing");
        }
    })
    .await;
}

#[tokio::test]
async fn a_draft_can_be_read_before_it_is_in_force() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let draft = Some((SHIPPED, "draft.toml"));
        let found = policies::document(&house.ports, draft, Language::Sv, Form::Markdown).await.unwrap();
        assert!(
            found.contains("Utkast, gäller ännu inte.") && found.contains("Fastighetsansvarig"),
            "{found}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_group_is_called_by_its_name_where_a_directory_has_told_it() {
    on_each_engine(async |t| {
        let world = World::open(t).await;
        let read = async || {
            policies::document(&world.house.ports, None, Language::Sv, Form::Markdown).await.unwrap()
        };
        assert!(read().await.contains("är med i gruppen med id group-board |"));
        world.group("group-board", "Styrelsen i föreningen", &[]).await;
        let found = read().await;
        assert!(found.contains("| board | är med i gruppen Styrelsen i föreningen |"), "{found}");
    })
    .await;
}
