//! Chooses what of a resource stands in an answer (RFC 7644 §3.9).
//!
//! Invariant: `id` and `schemas` are always there; what the table says is never
//! returned never is.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::path::{AttrPath, Field};
use super::schema::{ResourceKind, Returned};

/// What a client asked to see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Projection {
    include: Option<Vec<AttrPath>>,
    exclude: Vec<AttrPath>,
}

/// What the server knows about a resource (RFC 7643 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta<'m> {
    /// When the resource was created.
    pub created: Timestamp,
    /// When it was last changed.
    pub last_modified: Timestamp,
    /// Its entity tag, such as `W/"3"`.
    pub version: &'m str,
    /// Its address, made from the settings.
    pub location: &'m str,
}

impl Projection {
    /// Reads `attributes` and `excludedAttributes`; names that no schema knows select nothing.
    #[must_use]
    pub fn parse<'t>(
        attributes: Option<impl IntoIterator<Item = &'t str>>,
        excluded: impl IntoIterator<Item = &'t str>,
        kind: ResourceKind,
    ) -> Self {
        Self { include: attributes.map(|names| paths(names, kind)), exclude: paths(excluded, kind) }
    }

    /// Everything that is returned by default.
    #[must_use]
    pub fn everything() -> Self {
        Self::default()
    }

    /// Nothing was chosen: the document can go out as it is kept.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.include.is_none() && self.exclude.is_empty()
    }

    /// The answer can hold the core attribute `name`; members and groups are loaded only then.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        let whole = |path: &AttrPath| path.is(name, None) || is_core(path);
        let part = |path: &AttrPath| {
            path.extension().is_none() && path.attribute().is_some_and(|field| field.name() == name)
        };
        let included =
            self.include.as_ref().is_none_or(|paths| paths.iter().any(|path| part(path) || is_core(path)));
        included && !self.exclude.iter().any(whole)
    }

    /// The document is shown as it is kept, whatever may be left out of what stands beside it.
    #[must_use]
    pub fn shows_document(&self) -> bool {
        let is_beside = |path: &AttrPath| {
            path.extension().is_none()
                && path.attribute().is_some_and(|field| matches!(field.name(), "members" | "groups"))
        };
        self.include.is_none() && self.exclude.iter().all(is_beside)
    }

    /// The part `sub` of the core attribute `name` is shown, where the attribute itself is.
    #[must_use]
    pub fn shows(&self, name: &str, sub: &str) -> bool {
        let includes = |path: &AttrPath| is_core(path) || path.is(name, None) || path.is(name, Some(sub));
        let excludes = |path: &AttrPath| path.is(name, None) || path.is(name, Some(sub));
        self.include.as_ref().is_none_or(|paths| paths.iter().any(includes))
            && !self.exclude.iter().any(excludes)
    }

    /// The client asks for the part `sub` of `name` by its name.
    #[must_use]
    pub fn names(&self, name: &str, sub: &str) -> bool {
        let is_it = |path: &AttrPath| path.is(name, Some(sub));
        self.include.as_ref().is_some_and(|paths| paths.iter().any(is_it)) && !self.exclude.iter().any(is_it)
    }

    /// The members are to be shown.
    #[must_use]
    pub fn wants_members(&self) -> bool {
        self.wants("members")
    }

    /// Keeps of `resource` what was asked for.
    #[must_use]
    pub fn apply(&self, resource: Value, kind: ResourceKind) -> Value {
        let Value::Object(mut whole) = resource else { return resource };
        whole.retain(|name, _| returned(kind, name) != Returned::Never);
        let mut kept = match &self.include {
            None => whole,
            Some(paths) => chosen(&whole, paths, kind),
        };
        for path in &self.exclude {
            exclude(&mut kept, path, kind);
        }
        if kind == ResourceKind::Group && !self.names("members", "display") {
            // `returned: request`: they may be there only because a filter looked at them.
            exclude_in(&mut kept, "members", Some("display"));
        }
        Value::Object(kept)
    }
}

fn paths<'t>(names: impl IntoIterator<Item = &'t str>, kind: ResourceKind) -> Vec<AttrPath> {
    let single = names.into_iter().flat_map(|names| names.split(',')).map(str::trim);
    single.filter(|name| !name.is_empty()).filter_map(|name| AttrPath::resolve(name, kind).ok()).collect()
}

fn is_core(path: &AttrPath) -> bool {
    path.extension().is_none() && path.attribute().is_none()
}

fn returned(kind: ResourceKind, name: &str) -> Returned {
    kind.attribute(name).map_or(Returned::Default, |spec| spec.returned)
}

fn chosen(whole: &Map<String, Value>, paths: &[AttrPath], kind: ResourceKind) -> Map<String, Value> {
    let mut kept = Map::new();
    for (name, value) in whole {
        let part = if returned(kind, name) == Returned::Always {
            Some(value.clone())
        } else if name.contains(':') {
            part_of_extension(name, value, paths)
        } else {
            let names_it = |path: &&AttrPath| {
                path.extension().is_none() && path.attribute().is_none_or(|field| field.name() == name)
            };
            narrowed(value, &paths.iter().filter(names_it).collect::<Vec<_>>())
        };
        if let Some(part) = part {
            kept.insert(name.clone(), part);
        }
    }
    kept
}

fn part_of_extension(urn: &str, value: &Value, paths: &[AttrPath]) -> Option<Value> {
    if paths.iter().any(|path| path.extension().is_some() && path.to_string().eq_ignore_ascii_case(urn)) {
        return Some(value.clone());
    }
    let mut kept = Map::new();
    for (name, value) in value.as_object()? {
        let names_it = |path: &&AttrPath| {
            path.extension().is_some_and(|own| own.eq_ignore_ascii_case(urn))
                && path.attribute().is_some_and(|field| field.name().eq_ignore_ascii_case(name))
        };
        if let Some(part) = narrowed(value, &paths.iter().filter(names_it).collect::<Vec<_>>()) {
            kept.insert(name.clone(), part);
        }
    }
    (!kept.is_empty()).then_some(Value::Object(kept))
}

/// What `paths`, which all lead here, select of `value`.
fn narrowed(value: &Value, paths: &[&AttrPath]) -> Option<Value> {
    if paths.is_empty() {
        return None;
    }
    let subs: Option<Vec<&str>> = paths.iter().map(|path| path.sub().map(Field::name)).collect();
    let Some(subs) = subs else { return Some(value.clone()) };
    match value {
        Value::Array(list) => {
            let parts: Vec<Value> = list.iter().filter_map(|entry| parts(entry, &subs)).collect();
            (!parts.is_empty()).then_some(Value::Array(parts))
        }
        single => parts(single, &subs),
    }
}

fn parts(value: &Value, subs: &[&str]) -> Option<Value> {
    let mut kept = value.as_object()?.clone();
    kept.retain(|name, _| subs.iter().any(|sub| sub.eq_ignore_ascii_case(name)));
    (!kept.is_empty()).then_some(Value::Object(kept))
}

fn exclude(kept: &mut Map<String, Value>, path: &AttrPath, kind: ResourceKind) {
    if let Some(urn) = path.extension() {
        let whole = path.to_string();
        kept.retain(|name, _| !name.eq_ignore_ascii_case(&whole));
        let home = kept.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case(urn));
        if let Some((_, Value::Object(home))) = home {
            exclude_path_in(home, path);
        }
        kept.retain(|name, value| {
            !(name.eq_ignore_ascii_case(urn) && value.as_object().is_some_and(Map::is_empty))
        });
    } else if path.attribute().is_some_and(|field| returned(kind, field.name()) != Returned::Always) {
        exclude_path_in(kept, path);
    }
}

fn exclude_path_in(home: &mut Map<String, Value>, path: &AttrPath) {
    if let Some(field) = path.attribute() {
        exclude_in(home, field.name(), path.sub().map(Field::name));
    }
}

fn exclude_in(home: &mut Map<String, Value>, attribute: &str, sub: Option<&str>) {
    let Some(sub) = sub else {
        home.retain(|name, _| !name.eq_ignore_ascii_case(attribute));
        return;
    };
    let entry = home.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case(attribute));
    let Some((_, value)) = entry else { return };
    let entries = match value {
        Value::Array(list) => list.as_mut_slice(),
        other => std::slice::from_mut(other),
    };
    for map in entries.iter_mut().filter_map(Value::as_object_mut) {
        map.retain(|name, _| !name.eq_ignore_ascii_case(sub));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::schema::ENTERPRISE_URN;

    fn person() -> Value {
        json!({
            "schemas": ["s"], "id": "1", "userName": "a", "password": "x", "title": "t",
            "name": { "givenName": "G", "familyName": "F" },
            "emails": [{ "type": "work" }, { "type": "home", "value": "h", "primary": true }],
            (ENTERPRISE_URN): { "department": "D", "division": "V" },
            "urn:example:ext:2.0:User": { "shoe": 43, "hat": 7 }
        })
    }

    fn shown(attributes: Option<&str>, excluded: &str) -> Value {
        Projection::parse(attributes.map(|names| [names]), [excluded], ResourceKind::User)
            .apply(person(), ResourceKind::User)
    }

    #[test]
    fn only_what_was_asked_for_stands_beside_id_and_schemas() {
        let made = shown(Some("USERNAME, name.familyName,emails.value,emails.type,department,nonsense"), "");
        let expected = json!({
            "schemas": ["s"], "id": "1", "userName": "a", "name": { "familyName": "F" },
            "emails": [{ "type": "work" }, { "type": "home", "value": "h" }],
            (ENTERPRISE_URN): { "department": "D" }
        });
        assert_eq!(made, expected);
        let made = shown(Some("urn:example:ext:2.0:User:Shoe"), "");
        assert_eq!(made["urn:example:ext:2.0:User"], json!({ "shoe": 43 }));
        let made = shown(Some("urn:example:ext:2.0:User"), "");
        assert_eq!(made["urn:example:ext:2.0:User"], json!({ "shoe": 43, "hat": 7 }));
    }

    #[test]
    fn what_was_excluded_is_gone_but_never_the_id() {
        let names = format!("id,schemas,emails,name.givenName,{ENTERPRISE_URN}:department,title");
        let expected = json!({
            "schemas": ["s"], "id": "1", "userName": "a", "name": { "familyName": "F" },
            (ENTERPRISE_URN): { "division": "V" },
            "urn:example:ext:2.0:User": { "shoe": 43, "hat": 7 }
        });
        assert_eq!(shown(None, &names), expected);
        assert!(shown(None, ENTERPRISE_URN).get(ENTERPRISE_URN).is_none());
    }

    #[test]
    fn a_password_is_never_shown_even_when_asked_for() {
        assert!(shown(Some("password"), "").get("password").is_none());
        assert!(shown(None, "").get("password").is_none());
    }

    #[test]
    fn members_are_wanted_only_when_they_can_be_shown() {
        let wants = |attributes: Option<&'static str>, excluded: &'static str| {
            Projection::parse(attributes.map(|names| [names]), [excluded], ResourceKind::Group)
                .wants_members()
        };
        assert!(wants(None, "") && wants(Some("members.value"), "") && wants(None, "members.display"));
        assert!(
            !wants(None, "Members") && !wants(Some("displayName"), "") && !wants(Some("members"), "members")
        );
    }
}
