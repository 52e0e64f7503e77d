-- What runs did, account by account, with how each stood before: so that a run can be undone.
CREATE TABLE run_step (
    run_id UUID NOT NULL REFERENCES run (id),
    account_id UUID NOT NULL REFERENCES account (id),
    document JSONB NOT NULL,
    undone_at BIGINT,
    undone_by TEXT,
    PRIMARY KEY (run_id, account_id)
);
CREATE INDEX run_step_account ON run_step (account_id);

-- Rights that a directory takes and that wait for a person's release.
CREATE TABLE held_right (
    account_id UUID NOT NULL PRIMARY KEY REFERENCES account (id),
    since BIGINT NOT NULL,
    why TEXT NOT NULL,
    kinds TEXT NOT NULL
);

-- Who lost rights through a directory, and when last: what the limit of an hour counts.
CREATE TABLE right_taken (
    account_id UUID NOT NULL PRIMARY KEY REFERENCES account (id),
    at BIGINT NOT NULL
);
CREATE INDEX right_taken_when ON right_taken (at);

-- Protection that one administrator asked for and another has yet to confirm; and what two of them agreed on.
CREATE TABLE protection_request (
    account_id UUID NOT NULL PRIMARY KEY REFERENCES account (id),
    protects BOOLEAN NOT NULL,
    by_actor TEXT NOT NULL,
    why TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE TABLE protection (
    account_id UUID NOT NULL PRIMARY KEY REFERENCES account (id),
    asked_by TEXT NOT NULL,
    confirmed_by TEXT NOT NULL,
    why TEXT NOT NULL,
    since BIGINT NOT NULL
);

-- What time each machine last showed, and how long it had been up then.
CREATE TABLE machine_clock (
    machine TEXT NOT NULL PRIMARY KEY,
    shown_at BIGINT NOT NULL,
    up_for BIGINT NOT NULL
);
