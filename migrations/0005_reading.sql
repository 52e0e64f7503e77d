-- Further addresses of people who have more than one, folded, so that a filter on any of them finds its person.
-- The primary one stands in identity.email_key.
CREATE TABLE identity_address (
    directory TEXT NOT NULL,
    address_key TEXT NOT NULL,
    identity_id UUID NOT NULL REFERENCES identity (id),
    PRIMARY KEY (directory, address_key, identity_id)
);
CREATE INDEX identity_address_of ON identity_address (identity_id);

-- Filters on active and meta.lastModified.
CREATE INDEX identity_active ON identity (directory, active, id) WHERE deleted_at IS NULL;
CREATE INDEX identity_modified ON identity (directory, modified_at) WHERE deleted_at IS NULL;
CREATE INDEX directory_group_modified ON directory_group (directory, modified_at) WHERE deleted_at IS NULL;

-- Addresses are folded in Rust, right after this migration; until then they are owed.
INSERT INTO setting (name, value) VALUES ('identity_address', 'owed');
