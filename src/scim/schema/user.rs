//! The User schema (RFC 7643 §4.1, §8.7.1).
//!
//! Invariant: `groups` is the server's to say; `password` is known only in
//! order to be dropped, and is therefore never listed in `/Schemas`.

use super::Schema;
use super::attribute::{Attribute, DataType, Mutability, Returned};

/// URN of the User schema.
pub const USER_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

const WORK_HOME_OTHER: &[&str] = &["work", "home", "other"];

const DISPLAY: Attribute = Attribute::text("display", "A name for people.");
const TYPE: Attribute = Attribute::text("type", "A label for the use of the value.");
const PRIMARY: Attribute = Attribute::flag("primary", "The preferred value; true at most once.");

const NAME: &[Attribute] = &[
    Attribute::text("formatted", "The full name, ready to be shown."),
    Attribute::text("familyName", "The family name."),
    Attribute::text("givenName", "The given name."),
    Attribute::text("middleName", "The middle name."),
    Attribute::text("honorificPrefix", "The title before the name."),
    Attribute::text("honorificSuffix", "What follows the name."),
];

const EMAILS: &[Attribute] =
    &[Attribute::text("value", "The e-mail address."), DISPLAY, TYPE.suggest(WORK_HOME_OTHER), PRIMARY];

const PHONES: &[Attribute] = &[
    Attribute::text("value", "The phone number, kept as sent."),
    DISPLAY,
    TYPE.suggest(&["work", "home", "mobile", "fax", "pager", "other"]),
    PRIMARY,
];

const IMS: &[Attribute] = &[
    Attribute::text("value", "The instant messaging address."),
    DISPLAY,
    TYPE.suggest(&["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"]),
    PRIMARY,
];

const PHOTOS: &[Attribute] = &[
    Attribute::reference("value", &["external"], "The address of a picture."),
    DISPLAY,
    TYPE.suggest(&["photo", "thumbnail"]),
    PRIMARY,
];

const ADDRESSES: &[Attribute] = &[
    Attribute::text("formatted", "The whole address, ready for a label."),
    Attribute::text("streetAddress", "Street and number."),
    Attribute::text("locality", "The city."),
    Attribute::text("region", "The region."),
    Attribute::text("postalCode", "The postal code."),
    Attribute::text("country", "The country, ISO 3166-1 alpha-2."),
    TYPE.suggest(WORK_HOME_OTHER),
    PRIMARY,
];

const GROUPS: &[Attribute] = &[
    Attribute::text("value", "The id of the group.").exact().read_only(),
    Attribute::reference("$ref", &["Group"], "The address of the group.").read_only(),
    Attribute::text("display", "The name of the group.").read_only(),
    Attribute::text("type", "How the membership came about.").suggest(&["direct"]).read_only(),
];

const WISHES: &[Attribute] =
    &[Attribute::text("value", "The value, as the directory spells it."), DISPLAY, TYPE, PRIMARY];

const CERTIFICATES: &[Attribute] = &[
    Attribute::new("value", DataType::Binary, "A DER certificate in base64.").exact(),
    DISPLAY,
    TYPE,
    PRIMARY,
];

/// The User schema.
pub static USER: Schema = Schema {
    id: USER_URN,
    name: "User",
    description: "User Account",
    attributes: &[
        Attribute::text("userName", "The sign-in name, unique whatever the case.").required().unique(),
        Attribute::complex("name", NAME, "The parts of the name."),
        Attribute::text("displayName", "The name as it is shown."),
        Attribute::text("nickName", "The casual name."),
        Attribute::reference("profileUrl", &["external"], "The address of the person's page."),
        Attribute::text("title", "The title, such as treasurer."),
        Attribute::text("userType", "What the person is to the organisation."),
        Attribute::text("preferredLanguage", "The preferred language, as in Accept-Language."),
        Attribute::text("locale", "The locale, such as sv-SE."),
        Attribute::text("timezone", "The time zone, such as Europe/Stockholm."),
        Attribute::flag("active", "The person may have access."),
        Attribute::text("password", "Accepted and dropped.")
            .mutable(Mutability::WriteOnly)
            .returned(Returned::Never),
        Attribute::complex("emails", EMAILS, "E-mail addresses.").many(),
        Attribute::complex("phoneNumbers", PHONES, "Phone numbers.").many(),
        Attribute::complex("ims", IMS, "Instant messaging addresses.").many(),
        Attribute::complex("photos", PHOTOS, "Pictures.").many(),
        Attribute::complex("addresses", ADDRESSES, "Postal addresses.").many(),
        Attribute::complex("groups", GROUPS, "The groups of the person.").many().read_only(),
        Attribute::complex("entitlements", WISHES, "Entitlements that the directory wishes for.").many(),
        Attribute::complex("roles", WISHES, "Roles that the directory wishes for.").many(),
        Attribute::complex("x509Certificates", CERTIFICATES, "Certificates.").many(),
    ],
};
