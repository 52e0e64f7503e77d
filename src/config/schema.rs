//! Which keys each table of the two files takes.
//!
//! Invariant: the readers, the environment and the documented files all go by this one list.

/// The tables of a file by their dotted names, and the keys of each.
pub(crate) type Schema = &'static [(&'static str, &'static [&'static str])];

/// The keys of the settings file.
pub(crate) const SETTINGS: Schema = &[
    (
        "",
        &[
            "server",
            "database",
            "policy",
            "language",
            "sessions",
            "step_up",
            "accounts",
            "directory",
            "client",
            "target",
            "mail",
        ],
    ),
    (
        "server",
        &[
            "listen",
            "public_url",
            "also_at",
            "metrics_listen",
            "metrics_token",
            "metrics_token_file",
            "request_limit_bytes",
            "head_within",
            "body_within",
            "answer_within",
            "connections",
            "connections_per_source",
            "shutdown_grace",
        ],
    ),
    ("database", &["url", "url_file", "max_connections"]),
    ("policy", &["file", "cases"]),
    ("language", &["default"]),
    ("sessions", &["idle", "absolute"]),
    ("step_up", &["max_age", "acr_values", "pages"]),
    ("accounts", &["protected"]),
    ("directory", &["id", "kind", "name", "domains", "protected", "oidc", "pull", "leave"]),
    ("directory.leave", &["from", "until", "flag"]),
    (
        "directory.oidc",
        &[
            "issuer",
            "client_id",
            "client_secret",
            "client_secret_file",
            "client_key",
            "client_key_file",
            "client_key_id",
            "client_key_algorithm",
            "client_assertion_audience",
            "jit",
            "subject_claim",
            "subject_is",
            "scopes",
            "tenants",
            "groups_claim",
            "groups_separator",
            "userinfo",
            "algorithms",
            "leeway",
            "login_hint",
            "prompt",
            "max_age",
            "acr_values",
            "par",
        ],
    ),
    (
        "directory.pull",
        &[
            "tenant_id",
            "client_id",
            "client_secret",
            "client_secret_file",
            "base_url",
            "login_url",
            "token",
            "token_file",
            "schedule",
            "timezone",
        ],
    ),
    (
        "client",
        &[
            "id",
            "name",
            "public",
            "secret",
            "secret_file",
            "former_secret",
            "former_secret_file",
            "redirect_uris",
            "post_logout_redirect_uris",
            "backchannel_logout_uri",
            "allow_private",
            "subject",
            "sector",
            "algorithm",
            "scopes",
            "claims",
            "require_pkce",
            "requires",
            "origins",
            "token_life",
        ],
    ),
    ("client.requires", &["role", "module", "component", "action"]),
    (
        "target",
        &[
            "id",
            "kind",
            "url",
            "secret",
            "secret_file",
            "former_secret",
            "former_secret_file",
            "allow_private",
            "description",
            "user_name",
            "values",
            "roles",
            "roles_as",
            "compare",
        ],
    ),
    (
        "target.compare",
        &["schedule", "timezone", "missing", "active", "roles", "user_name", "display_name", "email"],
    ),
    (
        "mail",
        &[
            "smtp",
            "starttls",
            "username",
            "password",
            "password_file",
            "ca_file",
            "from",
            "bounces_to",
            "alerts_to",
            "digest_to",
            "digest_at",
            "digest_empty",
        ],
    ),
];

/// Tables of the settings that there can be several of; each is found by its `id`.
pub(crate) const SEVERAL: &[&str] = &["directory", "client", "target"];

/// Keys of the settings that hold a list; an environment variable separates its values with commas.
pub(crate) const LISTS: &[&str] = &[
    "domains",
    "protected",
    "scopes",
    "tenants",
    "algorithms",
    "acr_values",
    "pages",
    "also_at",
    "redirect_uris",
    "post_logout_redirect_uris",
    "claims",
    "origins",
    "cases",
    "alerts_to",
    "digest_to",
];

/// The keys of the policy file.
pub(crate) const POLICY: Schema = &[
    (
        "",
        &[
            "unmatched",
            "administrators_by_rule",
            "contact",
            "module",
            "sector",
            "component",
            "role",
            "rule",
            "lifecycle",
            "leave",
            "manual_grants",
            "review",
            "notices",
            "changed_job",
        ],
    ),
    ("unmatched", &["role"]),
    ("contact", &["name", "email"]),
    ("name", &["sv", "en"]),
    ("module", &["id", "name"]),
    ("sector", &["id", "name", "critical", "owner"]),
    ("component", &["id", "name", "module", "sector", "items", "links_on", "administration"]),
    ("role", &["id", "name", "modules", "critical", "console"]),
    ("rule", &["id", "when", "gives", "priority"]),
    ("rule.when", &["directory", "group", "group_name", "attribute", "all", "any", "not"]),
    ("rule.when.attribute", &["path", "equals", "in"]),
    ("rule.gives", &["roles", "sectors", "limited", "item_restricted"]),
    (
        "lifecycle",
        &[
            "schedule",
            "timezone",
            "mode",
            "observe_first",
            "profile",
            "no_steps_on",
            "sign_in_lifts_freeze",
            "source_stale_after",
            "safety",
            "rule",
        ],
    ),
    ("lifecycle.safety", &["max_accounts", "max_percent", "max_shrink_percent"]),
    (
        "lifecycle.rule",
        &[
            "id",
            "applies_to",
            "evidence",
            "inactive_after",
            "never_signed_in_after",
            "notify_before",
            "freeze_for",
            "sign_in_lifts_freeze",
            "remove_after",
        ],
    ),
    ("lifecycle.rule.applies_to", &["roles", "sectors", "limited", "directories", "kinds", "attribute"]),
    ("lifecycle.rule.applies_to.attribute", &["path", "equals", "in"]),
    ("leave", &["sign_in"]),
    ("manual_grants", &["expire_after"]),
    ("review", &["schedule", "open_for"]),
    ("notices", &["also_to", "also_from", "without_address", "before_end"]),
    ("changed_job", &["remind_every", "answer_within", "unanswered"]),
];

/// The keys of a file with cases that a policy must answer.
pub(crate) const CASES: Schema = &[
    ("", &["case"]),
    ("case", &["name", "given", "when", "then"]),
    (
        "case.given",
        &[
            "directory",
            "groups",
            "group_names",
            "attributes",
            "identities",
            "roles",
            "sectors",
            "limited",
            "item_restricted",
            "status",
            "links",
            "assigned",
        ],
    ),
    ("case.given.identities", &["directory", "groups", "group_names", "attributes"]),
    ("case.given.links", &["item", "role"]),
    ("case.when", &["action", "component", "item"]),
    ("case.then", &["allowed", "reason", "narrowed", "roles", "sectors", "limited", "item_restricted"]),
];

/// The keys of the table that bears this dotted name.
pub(crate) fn keys_of(schema: Schema, pattern: &str) -> &'static [&'static str] {
    schema.iter().find(|(name, _)| *name == pattern).map_or(&[], |(_, keys)| keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether `text` shows `key` under the heading of `table`, set or commented out.
    fn shows(text: &str, table: &str, key: &str) -> bool {
        let mut heading = String::new();
        text.lines().any(|line| {
            let line = line.trim_start_matches(['#', ' ']);
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
                name.trim_start_matches('[').clone_into(&mut heading);
                return heading == table;
            }
            let is_set = |part: &str| part.split_once('=').is_some_and(|(name, _)| name.trim() == key);
            let is_inline = line.contains('{') && line.split(['{', ',']).any(is_set);
            is_inline || (heading == table && is_set(line))
        })
    }

    fn lacking(schema: Schema, file: &str) -> Vec<String> {
        let text = std::fs::read_to_string(format!("{}/config/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let mut lacking = Vec::new();
        for (table, keys) in schema {
            for key in *keys {
                let own = if table.is_empty() { (*key).to_owned() } else { format!("{table}.{key}") };
                let has_heading = schema.iter().any(|(name, _)| *name == own) && shows(&text, &own, "");
                if !has_heading && !shows(&text, table, key) {
                    lacking.push(own);
                }
            }
        }
        lacking
    }

    #[test]
    fn every_key_of_the_settings_is_shown_in_the_shipped_file() {
        assert_eq!(lacking(SETTINGS, "portvakt.toml"), Vec::<String>::new());
    }

    #[test]
    fn every_key_of_the_policy_is_shown_in_the_shipped_file() {
        assert_eq!(lacking(POLICY, "policy.toml"), Vec::<String>::new());
    }

    #[test]
    fn every_key_of_a_case_is_shown_in_the_shipped_file() {
        assert_eq!(lacking(CASES, "policy.cases.toml"), Vec::<String>::new());
    }
}
