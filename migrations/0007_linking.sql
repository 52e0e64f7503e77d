-- Subjects that signed in and lead to no account: each waits for a person. The claims are what the provider said.
CREATE TABLE link_request (
    id UUID NOT NULL PRIMARY KEY,
    reference TEXT NOT NULL,
    directory TEXT NOT NULL,
    subject TEXT NOT NULL,
    issuer TEXT NOT NULL,
    code TEXT NOT NULL,
    claims JSONB NOT NULL,
    proposed_account UUID REFERENCES account (id),
    proposed_by TEXT,
    state TEXT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    decided_at BIGINT,
    decided_by TEXT,
    decided_why TEXT,
    account_id UUID REFERENCES account (id)
);
CREATE UNIQUE INDEX link_request_reference ON link_request (reference);
CREATE UNIQUE INDEX link_request_subject ON link_request (directory, subject);
CREATE INDEX link_request_state ON link_request (state, first_at);
CREATE INDEX link_request_proposed ON link_request (proposed_account) WHERE proposed_account IS NOT NULL;
CREATE INDEX link_request_account ON link_request (account_id) WHERE account_id IS NOT NULL;

-- Groups that a token named, of directories that tell of groups in no other way.
CREATE TABLE claimed_group (
    identity_id UUID NOT NULL REFERENCES identity (id),
    value TEXT NOT NULL,
    since BIGINT NOT NULL,
    until BIGINT,
    PRIMARY KEY (identity_id, value, since)
);
CREATE UNIQUE INDEX claimed_group_now ON claimed_group (identity_id, value) WHERE until IS NULL;

-- Links that let somebody in without a provider, once.
CREATE TABLE invite (
    id UUID NOT NULL PRIMARY KEY,
    hash BYTEA NOT NULL,
    account_id UUID NOT NULL REFERENCES account (id),
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    browser_hash BYTEA,
    opened_at BIGINT,
    used_at BIGINT
);
CREATE UNIQUE INDEX invite_hash ON invite (hash);
CREATE INDEX invite_account ON invite (account_id);
CREATE INDEX invite_when ON invite (created_at);

-- What a session may do in Portvakt itself since it began, and the ID token under the key that only its browser has.
ALTER TABLE session ADD COLUMN privilege TEXT;
ALTER TABLE session ADD COLUMN id_token BYTEA;

-- What was asked of the provider, and at which of our hosts.
ALTER TABLE login_attempt ADD COLUMN max_age BIGINT;
ALTER TABLE login_attempt ADD COLUMN acr_values TEXT;
ALTER TABLE login_attempt ADD COLUMN origin TEXT;
