-- OAuth clients of directories. The secrets of a client are rows that bear its client_id; an access token names the
-- secret that it was issued for, and opens nothing once that secret is revoked.
ALTER TABLE token ADD COLUMN client_id TEXT;
ALTER TABLE token ADD COLUMN secret_id UUID REFERENCES token (id);
ALTER TABLE token ADD COLUMN warned_days BIGINT;
CREATE INDEX token_client ON token (client_id) WHERE client_id IS NOT NULL;
CREATE INDEX token_issued ON token (secret_id, created_at) WHERE secret_id IS NOT NULL;
CREATE INDEX token_ends ON token (expires_at) WHERE revoked_at IS NULL;

-- A directory that an operator has paused: its provisioning is turned away until it is resumed.
CREATE TABLE directory_pause (
    directory TEXT NOT NULL PRIMARY KEY,
    since BIGINT NOT NULL,
    by_actor TEXT NOT NULL,
    reason TEXT NOT NULL
);

-- What each directory last did. Gathered in memory and written every few seconds; no personal data.
CREATE TABLE directory_activity (
    directory TEXT NOT NULL PRIMARY KEY,
    last_request_at BIGINT,
    last_change_at BIGINT,
    error_at BIGINT,
    error_status BIGINT,
    error_type TEXT,
    error_method TEXT,
    error_resource TEXT,
    denied_at BIGINT,
    denied_why TEXT
);
CREATE TABLE directory_count (
    directory TEXT NOT NULL,
    day BIGINT NOT NULL,
    method TEXT NOT NULL,
    outcome TEXT NOT NULL,
    times BIGINT NOT NULL,
    PRIMARY KEY (directory, day, method, outcome)
);
CREATE INDEX directory_count_old ON directory_count (day);
CREATE TABLE directory_repair (
    directory TEXT NOT NULL,
    repair TEXT NOT NULL,
    times BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (directory, repair)
);

-- Changes of a person or a group that were refused, until the same one succeeds. `reference` names it without
-- personal data: our id, an opaque external id, or a hash.
CREATE TABLE directory_refused (
    directory TEXT NOT NULL,
    resource TEXT NOT NULL,
    reference TEXT NOT NULL,
    method TEXT NOT NULL,
    status BIGINT NOT NULL,
    scim_type TEXT,
    detail TEXT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    times BIGINT NOT NULL,
    PRIMARY KEY (directory, resource, reference)
);
CREATE INDEX directory_refused_newest ON directory_refused (directory, last_at);
CREATE INDEX directory_refused_old ON directory_refused (last_at);
