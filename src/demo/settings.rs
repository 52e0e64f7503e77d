//! The files of the demo's daemon: settings, policy and secrets, in a folder of their own.
//!
//! Invariant: only the owner may read the folder and its secrets; a folder that is not empty is never written into,
//! and only a folder that the demo made itself is removed.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};

use super::association::{Association, Home, Part};
use super::chance;
use super::crm::HOOK;
use super::error::DemoError;
use super::provider::PracticeProvider;

/// The id of Portvakt as a client of both providers.
pub const CLIENT: &str = "portvakt-demo";

/// The association's policy.
pub const POLICY: &str = include_str!("policy.toml");

/// The folder that the demo works in.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    is_temporary: bool,
}

impl Folder {
    /// Makes the folder `wanted`, or a temporary one.
    ///
    /// # Errors
    ///
    /// [`DemoError::File`] when it cannot be made, or holds something already.
    pub fn make(wanted: Option<&Path>) -> Result<Self, DemoError> {
        let path = if let Some(path) = wanted {
            path.to_owned()
        } else {
            let name: String = chance::text()?.chars().filter(char::is_ascii_alphanumeric).take(12).collect();
            std::env::temp_dir().join(format!("portvakt-demo-{name}"))
        };
        let failed = |source| DemoError::File { path: path.clone(), source };
        fs::create_dir_all(&path).map_err(failed)?;
        if fs::read_dir(&path).map_err(failed)?.next().is_some() {
            let reason = "the demo begins from nothing: name an empty folder, or one that is not there yet";
            return Err(failed(std::io::Error::new(std::io::ErrorKind::AlreadyExists, reason)));
        }
        restrict(&path, 0o700).map_err(failed)?;
        Ok(Self { is_temporary: wanted.is_none(), path })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it goes away with this value.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        self.is_temporary
    }

    /// From now on it stays, for whoever wants to look into what went wrong.
    pub const fn keep(&mut self) {
        self.is_temporary = false;
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_temporary
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            tracing::warn!(%error, "the demo's folder could not be removed: {error}");
        }
    }
}

/// Where everything listens: `http://127.0.0.1:PORT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// The daemon.
    pub portvakt: String,
    /// The provider that is like Entra.
    pub entra: String,
    /// The provider that is like Okta.
    pub okta: String,
    /// The CRM.
    pub crm: String,
}

/// What the demo wrote, and the secrets that its practice parts need too.
#[derive(Debug)]
pub struct Written {
    /// The settings file.
    pub settings_file: PathBuf,
    /// Portvakt's secret at the provider that is like Entra.
    pub entra_secret: SecretString,
    /// Portvakt's secret at the provider that is like Okta.
    pub okta_secret: SecretString,
    /// What signs the webhooks.
    pub hook_key: SecretString,
}

/// Writes settings, policy and secrets into the folder. `database` is an address, or nothing for `SQLite` in the folder.
///
/// # Errors
///
/// [`DemoError::File`] when a file cannot be written, [`DemoError::NoRandomness`] when there are no secrets to be had.
pub fn write(folder: &Folder, addresses: &Addresses, database: Option<&str>) -> Result<Written, DemoError> {
    let written = Written {
        settings_file: folder.path.join("portvakt.toml"),
        entra_secret: chance::text()?.into(),
        okta_secret: chance::text()?.into(),
        hook_key: chance::signing_key()?.into(),
    };
    let file = |name: &str, text: &str| put(&folder.path.join(name), text);
    file("policy.toml", POLICY)?;
    file("entra.secret", written.entra_secret.expose_secret())?;
    file("okta.secret", written.okta_secret.expose_secret())?;
    file("hook.secret", written.hook_key.expose_secret())?;
    if let Some(url) = database {
        file("database.secret", url)?;
    }
    file("portvakt.toml", &settings(addresses, database.is_some()))?;
    Ok(written)
}

fn settings(addresses: &Addresses, has_database: bool) -> String {
    let listen = addresses.portvakt.trim_start_matches("http://");
    let database =
        if has_database { "url_file = \"database.secret\"" } else { "url = \"sqlite:portvakt.db\"" };
    let protected: Vec<String> = Association::bjorkbacken()
        .people()
        .iter()
        .filter(|person| person.part == Part::BreakGlass)
        .map(|person| format!("{:?}", person.user_name))
        .collect();
    let mut text = format!(
        "# The settings of the demo; written by it. Every key is explained in config/portvakt.toml.\n\n\
         [server]\nlisten = \"{listen}\"\npublic_url = \"{public}\"\nshutdown_grace = \"5s\"\n\n\
         [database]\n{database}\n\n[policy]\nfile = \"policy.toml\"\n\n[language]\ndefault = \"sv\"\n\n\
         [accounts]\nprotected = [{protected}]\n",
        public = addresses.portvakt,
        protected = protected.join(", "),
    );
    for (home, base) in [(Home::Entra, &addresses.entra), (Home::Okta, &addresses.okta)] {
        let issuer = PracticeProvider::issuer_at(home, base);
        let (id, name, domain) = (home.id(), home.name(), home.domain());
        // Writing into a text cannot fail.
        let _ = write!(
            text,
            "\n[[directory]]\nid = \"{id}\"\nkind = \"{id}\"\nname = \"{name}\"\ndomains = [\"{domain}\"]\n\n\
             [directory.oidc]\nissuer = \"{issuer}\"\nclient_id = \"{CLIENT}\"\nclient_secret_file = \"{id}.secret\"\n"
        );
        if home == Home::Entra {
            let _ = writeln!(text, "tenants = [\"{}\"]", super::association::TENANT);
        }
    }
    let _ = write!(
        text,
        "\n[[target]]\nid = \"crm\"\nkind = \"webhook\"\nurl = \"{}{HOOK}\"\nsecret_file = \"hook.secret\"\n",
        addresses.crm
    );
    text
}

/// Writes a file that only its owner may read.
fn put(path: &Path, text: &str) -> Result<(), DemoError> {
    let failed = |source| DemoError::File { path: path.to_owned(), source };
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path).and_then(|mut file| file.write_all(text.as_bytes())).map_err(failed)
}

#[cfg(unix)]
fn restrict(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn restrict(_path: &Path, _mode: u32) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::config;
    use crate::demo::association::GroupNo;
    use crate::domain::policy::Condition;

    fn addresses() -> Addresses {
        let at = |port: u16| format!("http://127.0.0.1:{port}");
        Addresses { portvakt: at(8080), entra: at(8081), okta: at(8082), crm: at(8083) }
    }

    #[test]
    fn what_is_written_passes_the_check_without_a_single_remark() {
        for database in [None, Some("postgres://portvakt:s3cret@127.0.0.1/portvakt")] {
            let folder = Folder::make(None).unwrap();
            let written = write(&folder, &addresses(), database).unwrap();
            let report = config::check(&written.settings_file, []);
            assert!(report.mistakes.is_empty(), "{:#?}", report.mistakes);
            let settings = report.settings.unwrap();
            assert_eq!((settings.directories.len(), settings.targets.len()), (2, 1));
            assert_eq!(settings.protected, ["nodkonto.bjorkbacken@bjorkbacken.example"]);
        }
    }

    #[test]
    fn the_policy_speaks_of_exactly_the_groups_that_there_are() {
        let policy = config::parse_policy(POLICY, "policy.toml").unwrap();
        let meant: BTreeSet<String> = policy
            .rules
            .iter()
            .map(|rule| match &rule.when {
                Condition::Group { id, .. } => id.clone(),
                Condition::GroupName { name, .. } => name.clone(),
                other => panic!("{other:?}"),
            })
            .collect();
        let there =
            GroupNo::ALL.map(|group| group.group().external_id.unwrap_or(group.group().name).to_owned());
        assert_eq!(meant, BTreeSet::from(there));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_the_folder_and_a_temporary_one_goes_away() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = Folder::make(None).unwrap();
        write(&folder, &addresses(), None).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(folder.path()), 0o700);
        for entry in fs::read_dir(folder.path()).unwrap() {
            assert_eq!(mode(&entry.unwrap().path()), 0o600);
        }
        let path = folder.path().to_owned();
        assert!(Folder::make(Some(&path)).is_err(), "it is not empty");
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_that_was_named_stays() {
        let outer = Folder::make(None).unwrap();
        let path = outer.path().join("kept");
        let folder = Folder::make(Some(&path)).unwrap();
        assert!(!folder.is_temporary());
        drop(folder);
        assert!(path.exists());
    }
}
