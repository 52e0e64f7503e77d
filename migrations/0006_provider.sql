-- Portvakt as OpenID Provider: the keys that sign, requests on their way, and what clients were let in with.
-- Of codes and tokens only hashes stand here.

-- The private keys stand here whole, so that all nodes sign alike: who reads the database can sign.
CREATE TABLE signing_key (
    id TEXT NOT NULL PRIMARY KEY,
    algorithm TEXT NOT NULL,
    private_key BYTEA NOT NULL,
    made_at BIGINT NOT NULL,
    signs_from BIGINT NOT NULL
);

-- An authorization request that waits for a sign-in at the directory.
CREATE TABLE client_request (
    id_hash BYTEA NOT NULL PRIMARY KEY,
    client TEXT NOT NULL,
    request JSONB NOT NULL,
    former_session UUID,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX client_request_old ON client_request (expires_at);

-- Under which name the clients of a sector know a person.
CREATE TABLE client_subject (
    sector TEXT NOT NULL,
    account_id UUID NOT NULL REFERENCES account (id),
    subject TEXT NOT NULL,
    PRIMARY KEY (sector, account_id)
);
CREATE UNIQUE INDEX client_subject_name ON client_subject (sector, subject);

-- A session as one client knows it; its id is the client's sid. It ends with the session, and the client is told.
CREATE TABLE client_session (
    id UUID NOT NULL PRIMARY KEY,
    client TEXT NOT NULL,
    session_id UUID NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    account_id UUID NOT NULL REFERENCES account (id),
    subject TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE UNIQUE INDEX client_session_now ON client_session (session_id, client) WHERE ended_at IS NULL;
CREATE INDEX client_session_of ON client_session (session_id);
CREATE INDEX client_session_account ON client_session (account_id);

-- One code, and the tokens it gave.
CREATE TABLE client_grant (
    id UUID NOT NULL PRIMARY KEY,
    client_session_id UUID NOT NULL REFERENCES client_session (id) ON DELETE CASCADE,
    code_hash BYTEA NOT NULL,
    redirect_uri TEXT NOT NULL,
    challenge TEXT,
    nonce TEXT,
    scope TEXT NOT NULL,
    authenticated_at BIGINT NOT NULL,
    acr TEXT,
    amr TEXT,
    created_at BIGINT NOT NULL,
    code_expires_at BIGINT NOT NULL,
    redeemed_at BIGINT,
    revoked_at BIGINT,
    revoked_why TEXT
);
CREATE UNIQUE INDEX client_grant_code ON client_grant (code_hash);
CREATE INDEX client_grant_session ON client_grant (client_session_id);
CREATE INDEX client_grant_old ON client_grant (created_at);

CREATE TABLE client_token (
    hash BYTEA NOT NULL PRIMARY KEY,
    grant_id UUID NOT NULL REFERENCES client_grant (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    scope TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX client_token_grant ON client_token (grant_id);
CREATE INDEX client_token_old ON client_token (expires_at);

-- One row per client session that has ended and of which the client has yet to be told.
CREATE TABLE client_logout (
    sid UUID NOT NULL PRIMARY KEY,
    client TEXT NOT NULL,
    account_id UUID NOT NULL REFERENCES account (id),
    subject TEXT NOT NULL,
    queued_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    last_error TEXT
);
CREATE INDEX client_logout_due ON client_logout (client, due_at);
CREATE INDEX client_logout_account ON client_logout (account_id);

-- The address that the provider vouched for at the sign-in, as a hash.
ALTER TABLE session ADD COLUMN vouched_email BYTEA;

-- The row that whoever makes a key locks first.
INSERT INTO setting (name, value) VALUES ('signing_keys', '');
