//! `/Schemas` and `/ResourceTypes`, rendered from the table (RFC 7644 §4).
//!
//! Invariant: what is listed is what is accepted with effect; the addresses
//! come from the base address in the settings, never from a request.

use serde_json::{Map, Value, json};

use super::messages::{CONFIG, RESOURCE_TYPE, RESOURCE_TYPE_URN, SCHEMA, SCHEMA_URN};
use super::{Attribute, DataType, ENTERPRISE, GROUP, ResourceKind, Schema, USER};
use crate::scim::list::one_page;

fn every_schema() -> [&'static Schema; 6] {
    [&USER, &ENTERPRISE, &GROUP, &CONFIG, &RESOURCE_TYPE, &SCHEMA]
}

/// `GET /Schemas`. `base_url` is the directory's SCIM address without a slash at the end.
#[must_use]
pub fn schemas(base_url: &str) -> Value {
    let every = every_schema().iter().map(|schema| rendered(schema, base_url)).collect();
    one_page(every)
}

/// `GET /Schemas/{id}`; the URN in any case.
#[must_use]
pub fn schema(base_url: &str, id: &str) -> Option<Value> {
    let found = every_schema().into_iter().find(|schema| schema.id.eq_ignore_ascii_case(id))?;
    Some(rendered(found, base_url))
}

/// `GET /ResourceTypes`.
#[must_use]
pub fn resource_types(base_url: &str) -> Value {
    let every = ResourceKind::ALL.iter().map(|kind| kind_document(*kind, base_url)).collect();
    one_page(every)
}

/// `GET /ResourceTypes/{name}`; the name in any case.
#[must_use]
pub fn resource_type(base_url: &str, name: &str) -> Option<Value> {
    let kind = ResourceKind::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name))?;
    Some(kind_document(kind, base_url))
}

fn rendered(schema: &Schema, base_url: &str) -> Value {
    json!({
        "schemas": [SCHEMA_URN],
        "id": schema.id,
        "name": schema.name,
        "description": schema.description,
        "attributes": characteristics(schema.attributes),
        "meta": { "resourceType": "Schema", "location": format!("{base_url}/Schemas/{}", schema.id) },
    })
}

fn characteristics(attributes: &[Attribute]) -> Vec<Value> {
    attributes.iter().map(characteristic).map(Value::Object).collect()
}

fn characteristic(attribute: &Attribute) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("name".into(), attribute.name.into());
    map.insert("type".into(), attribute.data_type.name().into());
    map.insert("multiValued".into(), attribute.multi_valued.into());
    map.insert("description".into(), attribute.description.into());
    map.insert("required".into(), attribute.required.into());
    if !attribute.canonical.is_empty() {
        map.insert("canonicalValues".into(), attribute.canonical.into());
    }
    if matches!(attribute.data_type, DataType::String | DataType::Reference | DataType::Binary) {
        map.insert("caseExact".into(), attribute.case_exact.into());
    }
    map.insert("mutability".into(), attribute.mutability.name().into());
    map.insert("returned".into(), attribute.returned.name().into());
    map.insert("uniqueness".into(), attribute.uniqueness.name().into());
    if !attribute.reference_types.is_empty() {
        map.insert("referenceTypes".into(), attribute.reference_types.into());
    }
    if attribute.is_complex() {
        map.insert("subAttributes".into(), characteristics(attribute.sub).into());
    }
    map
}

fn kind_document(kind: ResourceKind, base_url: &str) -> Value {
    let mut document = json!({
        "schemas": [RESOURCE_TYPE_URN],
        "id": kind.name(),
        "name": kind.name(),
        "endpoint": format!("/{}", kind.endpoint()),
        "description": kind.core().description,
        "schema": kind.core().id,
    });
    let extensions: Vec<Value> = kind
        .extensions()
        .iter()
        .map(|extension| json!({ "schema": extension.id, "required": false }))
        .collect();
    if let Some(map) = document.as_object_mut() {
        if !extensions.is_empty() {
            map.insert("schemaExtensions".into(), extensions.into());
        }
        let location = format!("{base_url}/ResourceTypes/{}", kind.name());
        map.insert("meta".into(), json!({ "resourceType": "ResourceType", "location": location }));
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has_null(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Array(list) => list.iter().any(has_null),
            Value::Object(map) => map.values().any(has_null),
            _ => false,
        }
    }

    #[test]
    fn schemas_list_no_null_and_a_password_that_is_never_shown() {
        let listed = schemas("https://x.example/scim/v2/entra");
        assert!(!has_null(&listed));
        let attributes = listed["Resources"][0]["attributes"].as_array().unwrap();
        let password = attributes.iter().find(|one| one["name"] == "password").unwrap();
        assert_eq!((&password["mutability"], &password["returned"]), (&json!("writeOnly"), &json!("never")));
        assert_eq!(listed["totalResults"], 6);
        assert_eq!(
            listed["Resources"][0]["meta"]["location"],
            "https://x.example/scim/v2/entra/Schemas/urn:ietf:params:scim:schemas:core:2.0:User"
        );
    }

    #[test]
    fn one_schema_is_found_by_its_urn_in_any_case_and_a_foreign_one_is_not() {
        let user = schema("", "URN:ietf:params:scim:schemas:core:2.0:user").unwrap();
        let names = user["attributes"].as_array().unwrap();
        let user_name = names.iter().find(|entry| entry["name"] == "userName").unwrap();
        assert_eq!(user_name["required"], true);
        assert_eq!(user_name["uniqueness"], "server");
        assert_eq!(user_name["caseExact"], false);
        assert!(schema("", "urn:other").is_none());
    }

    #[test]
    fn every_complex_attribute_has_sub_attributes_and_no_other_has() {
        for schema in every_schema() {
            for attribute in schema.attributes {
                assert_eq!(attribute.is_complex(), !attribute.sub.is_empty(), "{}", attribute.name);
            }
        }
    }

    #[test]
    fn the_user_type_names_its_extension_and_the_group_type_has_none() {
        let user = resource_type("b", "user").unwrap();
        assert_eq!(user["schemaExtensions"][0]["schema"], ENTERPRISE.id);
        assert!(resource_type("b", "Group").unwrap().get("schemaExtensions").is_none());
        assert!(resource_type("b", "Nej").is_none());
    }
}
