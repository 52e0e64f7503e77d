//! Reads both files at once and reports every mistake in them.
//!
//! Invariant: what a report hands out is free of errors; one file's mistakes do not hide the other's.

use std::collections::BTreeSet;
use std::path::Path;

use super::mistake::{Mistake, Severity};
use super::policy::{judge_cases, judge_policy, read_case_files, read_policy};
use super::secret::is_world_readable;
use super::settings::{self, Settings};
use super::suggest::suggest;
use crate::domain::client::Requirement;
use crate::domain::ids::{ComponentId, DirectoryId, ModuleId, RoleId};
use crate::domain::policy::Policy;

/// What `check` found.
#[derive(Debug)]
pub struct Report {
    /// Every mistake: those of the settings, then those of the policy, each in the order of its file.
    pub mistakes: Vec<Mistake>,
    /// The settings, where they are free of errors.
    pub settings: Option<Settings>,
    /// The policy, where it is free of errors.
    pub policy: Option<Policy>,
    /// The text of the policy file, where it could be read.
    pub policy_text: Option<String>,
}

impl Report {
    /// Whether one of the files is refused.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.mistakes.iter().any(|mistake| mistake.severity == Severity::Error)
    }
}

fn unreadable(file: &Path, error: &std::io::Error, fix: &str) -> Mistake {
    Mistake {
        severity: Severity::Error,
        file: file.display().to_string(),
        line: None,
        column: None,
        key_path: String::new(),
        what: format!("the file cannot be read: {error}"),
        fix: fix.to_owned(),
    }
}

/// Reads the settings in `settings_file` with `environment` over them, and the policy file they name.
#[must_use]
pub fn check(settings_file: &Path, environment: impl IntoIterator<Item = (String, String)>) -> Report {
    let text = match std::fs::read_to_string(settings_file) {
        Ok(text) => text,
        Err(error) => {
            let fix = "name the settings file with --config or PORTVAKT_CONFIG";
            let mistakes = vec![unreadable(settings_file, &error, fix)];
            return Report { mistakes, settings: None, policy: None, policy_text: None };
        }
    };
    let is_open = std::fs::metadata(settings_file).is_ok_and(|metadata| is_world_readable(&metadata));
    let read = settings::read(&text, settings_file, environment, is_open);
    let mut mistakes = read.mistakes;
    let directories: Option<BTreeSet<DirectoryId>> =
        read.directory_ids.map(|ids| ids.iter().filter_map(|id| DirectoryId::parse(id).ok()).collect());
    let policy_text = match std::fs::read_to_string(&read.policy_file) {
        Ok(text) => Some(text),
        Err(error) => {
            let fix = "name the policy file in the settings: [policy] file = \"policy.toml\"";
            mistakes.push(unreadable(&read.policy_file, &error, fix));
            None
        }
    };
    let policy = policy_text.as_deref().and_then(|text| {
        let (policy, found) = read_policy(text, &read.policy_file, directories.as_ref());
        mistakes.extend(found);
        mistakes.extend(policy.iter().flat_map(|policy| judge_policy(policy, text, &read.policy_file)));
        policy
    });
    if let Some(settings) = &read.settings {
        match read_case_files(&settings.policy_cases) {
            Ok(cases) => mistakes.extend(policy.iter().flat_map(|policy| judge_cases(policy, &cases))),
            Err(found) => mistakes.extend(found),
        }
    }
    if let (Some(settings), Some(policy)) = (&read.settings, &policy) {
        mistakes.extend(unknown_requirements(settings_file, settings, policy));
        mistakes.extend(unknown_roles(settings_file, settings, policy));
    }
    Report { mistakes, settings: read.settings, policy, policy_text }
}

/// What clients require that the policy does not know: nobody would get in.
fn unknown_requirements(file: &Path, settings: &Settings, policy: &Policy) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for (at, client) in settings.clients.iter().enumerate() {
        let Some(requirement) = &client.requires else { continue };
        let Some((kind, name)) = requirement.unknown_to(policy) else { continue };
        let known: Vec<&str> = match requirement {
            Requirement::Role(_) => policy.roles.keys().map(RoleId::as_str).collect(),
            Requirement::Module(_) => policy.modules.keys().map(ModuleId::as_str).collect(),
            Requirement::Component(..) => policy.components.keys().map(ComponentId::as_str).collect(),
        };
        mistakes.push(Mistake {
            severity: Severity::Error,
            file: file.display().to_string(),
            line: None,
            column: None,
            key_path: format!("client[{at}].requires.{kind}"),
            what: format!("the policy has no {kind} {name:?}, so nobody could enter {}", client.id),
            fix: suggest(&name, known),
        });
    }
    mistakes
}

/// Roles that a target is to be told and the policy does not know, and roles of the policy that it is not told.
fn unknown_roles(file: &Path, settings: &Settings, policy: &Policy) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let mistake = |severity, key_path: String, what, fix| Mistake {
        severity,
        file: file.display().to_string(),
        line: None,
        column: None,
        key_path,
        what,
        fix,
    };
    for (at, target) in settings.targets.iter().enumerate() {
        let Some(told) = target.roles() else { continue };
        for role in told.keys().filter(|role| !policy.roles.contains_key(*role)) {
            let what = format!("the policy has no role {:?}", role.as_str());
            let fix = suggest(role.as_str(), policy.roles.keys().map(RoleId::as_str));
            mistakes.push(mistake(Severity::Error, format!("target[{at}].roles.{role}"), what, fix));
        }
        let silent: Vec<&str> =
            policy.roles.keys().filter(|role| !told.contains_key(*role)).map(RoleId::as_str).collect();
        if !silent.is_empty() && !told.is_empty() {
            let what = format!("{} is not told of: {}", target.id, silent.join(", "));
            let fix = "say what the CRM calls them, where it should know them".to_owned();
            mistakes.push(mistake(Severity::Warning, format!("target[{at}].roles"), what, fix));
        }
    }
    mistakes
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    const SECRETS: [(&str, &str); 3] = [
        ("PORTVAKT__DIRECTORY__ENTRA__OIDC__CLIENT_SECRET", "the-entra-secret"),
        ("PORTVAKT__CLIENT__CRM__SECRET", "the-crm-secret-that-nobody-guesses"),
        ("PORTVAKT__TARGET__CRM__SECRET", "whsec_dGhlLXdlYmhvb2stc2VjcmV0LTAxMjM0NTY3ODk="),
    ];

    fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// A fresh folder that goes away with the value.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("portvakt-config-{}-{name}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn write(&self, name: &str, text: &str) -> PathBuf {
            let path = self.0.join(name);
            std::fs::write(&path, text).unwrap();
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_shipped_files_pass_without_a_mistake_once_the_secrets_are_given() {
        let file = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/config/portvakt.toml"));
        let report = check(&file, environment(&SECRETS));
        assert_eq!(report.mistakes, Vec::new());
        assert!(!report.has_errors());
        let policy = report.policy.unwrap();
        assert_eq!(policy.components.len(), 13);
        let settings = report.settings.unwrap();
        assert_eq!(settings.policy_file, file.with_file_name("policy.toml"));
        let shown = format!("{settings:?}");
        assert!(shown.contains("***") && !shown.contains("-secret\""), "{shown}");
        assert!(!shown.contains("the-entra-secret") && !shown.contains("the-crm-secret"), "{shown}");
        assert!(!shown.contains("webhook-secret"), "{shown}");
    }

    #[test]
    fn the_mistakes_of_both_files_are_reported_at_once() {
        let folder = Folder::new("both");
        let settings =
            folder.write("portvakt.toml", "[server]\npublic_ulr = \"x\"\n[policy]\nfile = \"rules.toml\"\n");
        folder
            .write("rules.toml", "unmatched = \"everybody\"\n[contact]\nname = { sv = \"x\", en = \"y\" }\n");
        let report = check(&settings, Vec::new());
        let said: Vec<String> = report.mistakes.iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 3, "{said:#?}");
        assert!(said[0].contains("server.public_url: it is missing"), "{said:#?}");
        assert!(said[1].contains(
            "portvakt.toml:2: server.public_ulr: there is no such key — did you mean \"public_url\"?"
        ));
        assert!(said[2].contains("rules.toml:1: unmatched: "), "{said:#?}");
        assert!(report.settings.is_none() && report.policy.is_none() && report.has_errors());
    }

    #[test]
    fn a_directory_that_the_settings_lack_is_a_mistake_of_the_policy() {
        let folder = Folder::new("directory");
        let settings = folder.write(
            "portvakt.toml",
            "[server]\npublic_url = \"http://127.0.0.1:1\"\n[[directory]]\nid = \"okta\"\nkind = \"okta\"\n",
        );
        folder.write(
            "policy.toml",
            "[contact]\nname = { sv = \"x\", en = \"y\" }\n[[rule]]\nid = \"a\"\nwhen = { directory = \"okt\" }\n\
             gives = { limited = false }\n",
        );
        let report = check(&settings, Vec::new());
        assert_eq!(report.mistakes.len(), 1, "{:#?}", report.mistakes);
        let said = report.mistakes[0].to_string();
        assert!(said.ends_with(
            "policy.toml:5: rule[0].when.directory: there is no directory \"okt\" — did you mean \"okta\"?"
        ));
        assert!(report.settings.is_some());
    }

    #[test]
    fn a_requirement_that_the_policy_does_not_know_is_a_mistake_of_the_settings() {
        let folder = Folder::new("requirement");
        let settings = folder.write(
            "portvakt.toml",
            "[server]\npublic_url = \"http://127.0.0.1:1\"\n[[client]]\nid = \"crm\"\npublic = true\n\
             redirect_uris = [\"https://crm.example/cb\"]\nrequires = { role = \"bord\" }\n",
        );
        folder.write(
            "policy.toml",
            "[contact]\nname = { sv = \"x\", en = \"y\" }\n[[role]]\nid = \"board\"\n\
             name = { sv = \"x\", en = \"y\" }\nmodules = []\n",
        );
        let said: Vec<String> =
            check(&settings, Vec::new()).mistakes.iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 1, "{said:#?}");
        assert!(
            said[0].ends_with(
                "portvakt.toml: client[0].requires.role: the policy has no role \"bord\", so nobody could enter crm — \
                 did you mean \"board\"?"
            ),
            "{said:#?}"
        );
    }

    #[test]
    fn files_that_are_not_there_are_named() {
        let missing = Path::new("/nonexistent/portvakt.toml");
        let report = check(missing, Vec::new());
        assert!(
            report.mistakes[0].to_string().starts_with("/nonexistent/portvakt.toml: the file cannot be read")
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_secret_file_is_read_from_the_settings_folder_and_refused_when_everybody_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = Folder::new("secret");
        folder.write("policy.toml", "[contact]\nname = { sv = \"x\", en = \"y\" }\n");
        let settings = folder.write(
            "portvakt.toml",
            "[server]\npublic_url = \"http://127.0.0.1:1\"\nmetrics_token_file = \"token\"\n",
        );
        let secret = folder.write("token", "hunter2\r\n");
        for (mode, is_taken) in [(0o600, true), (0o640, true), (0o644, false)] {
            std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(mode)).unwrap();
            let report = check(&settings, Vec::new());
            let token = report.settings.and_then(|settings| settings.server.metrics_token);
            assert_eq!(token.is_some_and(|token| token.expose() == "hunter2"), is_taken, "{mode:o}");
            assert_eq!(report.mistakes.is_empty(), is_taken, "{:#?}", report.mistakes);
        }
    }
}
