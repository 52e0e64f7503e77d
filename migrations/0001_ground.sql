-- The tables of the first release. One text for both engines: UUID, BIGINT (microseconds UTC), BOOLEAN, JSONB, BYTEA, TEXT.
-- Where history matters a row is an interval (since, until); the present is `until IS NULL`, kept quick by partial indexes.

CREATE TABLE setting (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- One person's account in the CRM. The present status stands here for reading; its history in account_status.
CREATE TABLE account (
    id UUID NOT NULL PRIMARY KEY,
    user_name TEXT NOT NULL,
    user_name_key TEXT NOT NULL,
    display_name TEXT NOT NULL,
    email TEXT,
    language TEXT,
    kind TEXT NOT NULL,
    is_protected BOOLEAN NOT NULL,
    valid_from BIGINT,
    valid_until BIGINT,
    created_at BIGINT NOT NULL,
    status TEXT NOT NULL,
    status_since BIGINT NOT NULL,
    status_reason TEXT NOT NULL,
    status_by TEXT NOT NULL,
    status_note TEXT,
    leave_until BIGINT,
    returned_at BIGINT,
    activated_at BIGINT,
    version BIGINT NOT NULL
);
CREATE INDEX account_user_name ON account (user_name_key);
CREATE INDEX account_status_now ON account (status);

CREATE TABLE account_status (
    id UUID NOT NULL PRIMARY KEY,
    account_id UUID NOT NULL REFERENCES account (id),
    status TEXT NOT NULL,
    reason TEXT NOT NULL,
    by_actor TEXT NOT NULL,
    note TEXT,
    since BIGINT NOT NULL,
    until BIGINT
);
CREATE UNIQUE INDEX account_status_open ON account_status (account_id) WHERE until IS NULL;
CREATE INDEX account_status_past ON account_status (account_id, since);
CREATE INDEX account_status_when ON account_status (since);

-- The CRM's own id of an account, per target.
CREATE TABLE account_crm_id (
    target TEXT NOT NULL,
    crm_id TEXT NOT NULL,
    account_id UUID NOT NULL REFERENCES account (id),
    PRIMARY KEY (target, crm_id)
);
CREATE UNIQUE INDEX account_crm_id_account ON account_crm_id (target, account_id);
CREATE INDEX account_crm_id_of ON account_crm_id (account_id);
CREATE INDEX account_crm_id_value ON account_crm_id (crm_id);

-- What one directory says about one person, whole.
CREATE TABLE identity (
    id UUID NOT NULL PRIMARY KEY,
    directory TEXT NOT NULL,
    account_id UUID NOT NULL REFERENCES account (id),
    user_name_key TEXT NOT NULL,
    external_id TEXT,
    display_name_key TEXT,
    email_key TEXT,
    active BOOLEAN NOT NULL,
    document JSONB NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    deleted_at BIGINT
);
CREATE UNIQUE INDEX identity_user_name ON identity (directory, user_name_key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX identity_external_id ON identity (directory, external_id) WHERE deleted_at IS NULL;
CREATE INDEX identity_display_name ON identity (directory, display_name_key) WHERE deleted_at IS NULL;
CREATE INDEX identity_email ON identity (directory, email_key) WHERE deleted_at IS NULL;
CREATE INDEX identity_listed ON identity (directory, id) WHERE deleted_at IS NULL;
CREATE INDEX identity_account ON identity (account_id);
CREATE INDEX identity_tombstone ON identity (directory, external_id, deleted_at);

-- The token subject of a directory, and the identity it signs in as.
CREATE TABLE sign_in_subject (
    directory TEXT NOT NULL,
    subject TEXT NOT NULL,
    issuer TEXT NOT NULL,
    identity_id UUID NOT NULL REFERENCES identity (id),
    linked_by TEXT NOT NULL,
    linked_at BIGINT NOT NULL,
    PRIMARY KEY (directory, subject)
);
CREATE INDEX sign_in_subject_identity ON sign_in_subject (identity_id);

CREATE TABLE directory_group (
    id UUID NOT NULL PRIMARY KEY,
    directory TEXT NOT NULL,
    external_id TEXT,
    display_name_key TEXT NOT NULL,
    document JSONB NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    deleted_at BIGINT
);
CREATE INDEX directory_group_name ON directory_group (directory, display_name_key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX directory_group_external_id ON directory_group (directory, external_id) WHERE deleted_at IS NULL;
CREATE INDEX directory_group_listed ON directory_group (directory, id) WHERE deleted_at IS NULL;

-- The first group of a name that a rule speaks of is pinned by its id: a rename keeps the pin, a later group of that name gets nothing.
CREATE TABLE group_name_pin (
    directory TEXT NOT NULL,
    name_key TEXT NOT NULL,
    group_id UUID NOT NULL REFERENCES directory_group (id),
    pinned_at BIGINT NOT NULL,
    PRIMARY KEY (directory, name_key)
);
CREATE INDEX group_name_pin_group ON group_name_pin (group_id);

CREATE TABLE membership (
    group_id UUID NOT NULL REFERENCES directory_group (id),
    identity_id UUID NOT NULL REFERENCES identity (id),
    since BIGINT NOT NULL,
    until BIGINT,
    PRIMARY KEY (group_id, identity_id, since)
);
CREATE UNIQUE INDEX membership_now ON membership (group_id, identity_id) WHERE until IS NULL;
CREATE INDEX membership_identity_now ON membership (identity_id) WHERE until IS NULL;
CREATE INDEX membership_identity_past ON membership (identity_id, since);

-- A member that the directory named before it told us who that is; joined when the person appears.
CREATE TABLE membership_pending (
    group_id UUID NOT NULL REFERENCES directory_group (id),
    value TEXT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (group_id, value)
);
CREATE INDEX membership_pending_value ON membership_pending (value);

-- Roles, sectors and limits that accounts hold and held.
CREATE TABLE entitlement (
    id UUID NOT NULL PRIMARY KEY,
    account_id UUID NOT NULL REFERENCES account (id),
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    origin TEXT NOT NULL,
    origin_ref TEXT NOT NULL,
    by_actor TEXT NOT NULL,
    why TEXT,
    since BIGINT NOT NULL,
    ends_at BIGINT,
    until BIGINT
);
CREATE UNIQUE INDEX entitlement_now ON entitlement (account_id, kind, value, origin, origin_ref) WHERE until IS NULL;
CREATE INDEX entitlement_holders ON entitlement (kind, value) WHERE until IS NULL;
CREATE INDEX entitlement_past ON entitlement (account_id, since);
CREATE INDEX entitlement_ending ON entitlement (ends_at) WHERE until IS NULL AND ends_at IS NOT NULL;

CREATE TABLE item (
    component TEXT NOT NULL,
    item TEXT NOT NULL,
    creator UUID REFERENCES account (id),
    project TEXT,
    created_at BIGINT NOT NULL,
    deleted_at BIGINT,
    PRIMARY KEY (component, item)
);

-- The CRM's own "responsible": an account or a role.
CREATE TABLE assignment (
    id UUID NOT NULL PRIMARY KEY,
    component TEXT NOT NULL,
    item TEXT NOT NULL,
    account_id UUID REFERENCES account (id),
    role TEXT,
    by_actor TEXT NOT NULL,
    since BIGINT NOT NULL,
    until BIGINT
);
CREATE UNIQUE INDEX assignment_now ON assignment (component, item) WHERE until IS NULL;
CREATE INDEX assignment_past ON assignment (component, item, since);
CREATE INDEX assignment_account ON assignment (account_id) WHERE until IS NULL;

CREATE TABLE link (
    id UUID NOT NULL PRIMARY KEY,
    component TEXT NOT NULL,
    item TEXT NOT NULL,
    account_id UUID REFERENCES account (id),
    role TEXT,
    origin TEXT NOT NULL,
    by_actor TEXT NOT NULL,
    why TEXT,
    since BIGINT NOT NULL,
    ends_at BIGINT,
    until BIGINT
);
CREATE UNIQUE INDEX link_account_now ON link (component, item, account_id, origin) WHERE until IS NULL AND account_id IS NOT NULL;
CREATE UNIQUE INDEX link_role_now ON link (component, item, role, origin) WHERE until IS NULL AND role IS NOT NULL;
CREATE INDEX link_past ON link (component, item, since);
CREATE INDEX link_account ON link (account_id) WHERE until IS NULL;

-- The latest time each source has seen an account, and the days of thirteen months.
CREATE TABLE evidence (
    account_id UUID NOT NULL REFERENCES account (id),
    source TEXT NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, source)
);
CREATE TABLE evidence_day (
    account_id UUID NOT NULL REFERENCES account (id),
    source TEXT NOT NULL,
    day BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, source, day)
);
CREATE INDEX evidence_day_old ON evidence_day (day);

-- How fresh each source is; scope is the directory or target it comes from.
CREATE TABLE source_health (
    source TEXT NOT NULL,
    scope TEXT NOT NULL,
    last_success BIGINT,
    is_complete BOOLEAN NOT NULL,
    is_licensed BOOLEAN NOT NULL,
    note TEXT,
    PRIMARY KEY (source, scope)
);

CREATE TABLE policy_version (
    number BIGINT NOT NULL PRIMARY KEY,
    text TEXT NOT NULL,
    hash TEXT NOT NULL,
    by_actor TEXT NOT NULL,
    applied_at BIGINT NOT NULL
);

CREATE TABLE plan (
    hash TEXT NOT NULL PRIMARY KEY,
    created_at BIGINT NOT NULL,
    policy_version BIGINT NOT NULL,
    state TEXT NOT NULL,
    document JSONB NOT NULL,
    released_by TEXT,
    released_at BIGINT,
    release_reason TEXT
);
CREATE INDEX plan_when ON plan (created_at);
CREATE TABLE plan_step (
    plan_hash TEXT NOT NULL REFERENCES plan (hash),
    position BIGINT NOT NULL,
    account_id UUID NOT NULL REFERENCES account (id),
    document JSONB NOT NULL,
    state TEXT NOT NULL,
    outcome TEXT,
    PRIMARY KEY (plan_hash, position)
);
CREATE INDEX plan_step_account ON plan_step (account_id);
CREATE TABLE run (
    id UUID NOT NULL PRIMARY KEY,
    plan_hash TEXT NOT NULL REFERENCES plan (hash),
    by_actor TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    finished_at BIGINT,
    applied BIGINT NOT NULL,
    skipped BIGINT NOT NULL,
    outcome TEXT NOT NULL
);
CREATE INDEX run_when ON run (started_at);

-- Notices that really went out; a deadline counts from them.
CREATE TABLE notice (
    id UUID NOT NULL PRIMARY KEY,
    account_id UUID NOT NULL REFERENCES account (id),
    rule TEXT NOT NULL,
    days_before BIGINT NOT NULL,
    idle_since BIGINT NOT NULL,
    sent_at BIGINT NOT NULL
);
CREATE INDEX notice_account ON notice (account_id, idle_since);

-- One row per account that a target has yet to be told about; a newer version replaces the waiting one.
CREATE TABLE outbox (
    target TEXT NOT NULL,
    account_id UUID NOT NULL REFERENCES account (id),
    version BIGINT NOT NULL,
    urgent BOOLEAN NOT NULL,
    queued_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    fence BIGINT NOT NULL,
    state TEXT NOT NULL,
    last_error TEXT,
    PRIMARY KEY (target, account_id)
);
CREATE INDEX outbox_due ON outbox (target, state, due_at);
CREATE TABLE delivered (
    target TEXT NOT NULL,
    account_id UUID NOT NULL REFERENCES account (id),
    version BIGINT NOT NULL,
    at BIGINT NOT NULL,
    answer TEXT NOT NULL,
    PRIMARY KEY (target, account_id)
);

-- Append only. Written in the transaction of the change; position and leaf are given later by one sealer.
CREATE TABLE audit (
    id UUID NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    cause TEXT NOT NULL,
    action TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    before JSONB,
    after JSONB,
    request_id TEXT,
    position BIGINT,
    leaf BYTEA
);
CREATE INDEX audit_subject ON audit (subject_kind, subject_id, at);
CREATE INDEX audit_when ON audit (at, id);
CREATE UNIQUE INDEX audit_position ON audit (position);

CREATE TABLE session (
    id UUID NOT NULL PRIMARY KEY,
    hash BYTEA NOT NULL,
    account_id UUID NOT NULL REFERENCES account (id),
    identity_id UUID NOT NULL REFERENCES identity (id),
    directory TEXT NOT NULL,
    provider_session TEXT,
    acr TEXT,
    amr TEXT,
    authenticated_at BIGINT,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT,
    ended_why TEXT
);
CREATE UNIQUE INDEX session_hash ON session (hash);
CREATE INDEX session_account ON session (account_id) WHERE ended_at IS NULL;
CREATE INDEX session_provider ON session (directory, provider_session) WHERE ended_at IS NULL;
CREATE INDEX session_identity ON session (identity_id) WHERE ended_at IS NULL;

CREATE TABLE token (
    id UUID NOT NULL PRIMARY KEY,
    hash BYTEA NOT NULL,
    kind TEXT NOT NULL,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    last_used_at BIGINT
);
CREATE UNIQUE INDEX token_hash ON token (hash);
CREATE INDEX token_owner ON token (kind, owner);

CREATE TABLE login_attempt (
    state_hash BYTEA NOT NULL PRIMARY KEY,
    browser_hash BYTEA NOT NULL,
    directory TEXT NOT NULL,
    nonce TEXT NOT NULL,
    verifier TEXT NOT NULL,
    return_to TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX login_attempt_old ON login_attempt (expires_at);

CREATE TABLE job_lease (
    job TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    fence BIGINT NOT NULL,
    until BIGINT NOT NULL,
    last_run_at BIGINT,
    last_outcome TEXT
);

-- The row that changes which may not happen at the same time lock first.
INSERT INTO setting (name, value) VALUES ('safety', ''), ('items', '');
