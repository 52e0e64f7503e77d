-- Letters: what waits to be sent, what was sent, and what became of it. The text goes when the letter has left or failed.
-- While it is being sent, due_at says until when; whoever finds it later may send it again, under the same id.
CREATE TABLE letter (
    id UUID NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    topic TEXT NOT NULL,
    account_id UUID REFERENCES account (id),
    recipient_id UUID REFERENCES account (id),
    address TEXT,
    address_key TEXT,
    language TEXT NOT NULL,
    subject TEXT,
    body TEXT,
    about JSONB NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    queued_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    ended_at BIGINT,
    said TEXT
);
CREATE INDEX letter_due ON letter (due_at) WHERE ended_at IS NULL;
CREATE INDEX letter_topic ON letter (topic, queued_at);
CREATE INDEX letter_account ON letter (account_id, queued_at);
CREATE INDEX letter_recipient ON letter (recipient_id);
CREATE INDEX letter_address ON letter (address_key, queued_at);
CREATE INDEX letter_ended ON letter (ended_at) WHERE ended_at IS NOT NULL;

-- A notice whose letter came back does not count.
ALTER TABLE notice ADD COLUMN letter_id UUID;
ALTER TABLE notice ADD COLUMN void_at BIGINT;
CREATE INDEX notice_letter ON notice (letter_id) WHERE letter_id IS NOT NULL;

-- Somebody asks for leave, by the page that a notice leads to; a person decides. Only the days stand here, never why.
CREATE TABLE leave_request (
    id UUID NOT NULL PRIMARY KEY,
    account_id UUID NOT NULL REFERENCES account (id),
    from_at BIGINT NOT NULL,
    until_at BIGINT NOT NULL,
    asked_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    decided_at BIGINT,
    decided_by TEXT,
    decided_why TEXT
);
CREATE UNIQUE INDEX leave_request_waiting ON leave_request (account_id) WHERE state = 'waiting';
CREATE INDEX leave_request_when ON leave_request (state, asked_at);

-- A leave may be noted by a directory's own attributes, and may let its person sign in for a reason that was given.
ALTER TABLE account_leave ADD COLUMN origin TEXT NOT NULL DEFAULT 'manual';
ALTER TABLE account_leave ADD COLUMN sign_in_why TEXT;

-- Who stands in meanwhile, for which sectors (separated by blanks; nothing: all) and whether for the links too.
ALTER TABLE account_leave ADD COLUMN deputy_id UUID REFERENCES account (id);
ALTER TABLE account_leave ADD COLUMN deputy_sectors TEXT;
ALTER TABLE account_leave ADD COLUMN deputy_links BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE account_leave ADD COLUMN deputy_given_at BIGINT;
CREATE INDEX account_leave_deputy ON account_leave (deputy_id) WHERE ended_at IS NULL AND deputy_id IS NOT NULL;

-- Links that somebody has only for whoever is away.
CREATE TABLE deputy_link (
    link_id UUID NOT NULL PRIMARY KEY REFERENCES link (id),
    account_id UUID NOT NULL REFERENCES account (id)
);
CREATE INDEX entitlement_deputy ON entitlement (origin_ref) WHERE until IS NULL AND origin = 'deputy';
CREATE INDEX deputy_link_account ON deputy_link (account_id);

-- Rights by hand that somebody must decide about, because their holder changed job.
CREATE TABLE right_question (
    id UUID NOT NULL PRIMARY KEY,
    account_id UUID NOT NULL REFERENCES account (id),
    right_kind TEXT NOT NULL,
    right_id UUID NOT NULL,
    owner_id UUID REFERENCES account (id),
    why TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    answer_by BIGINT NOT NULL,
    reminded_at BIGINT,
    reminders BIGINT NOT NULL,
    state TEXT NOT NULL,
    decided_at BIGINT,
    decided_by TEXT,
    decided_why TEXT
);
CREATE UNIQUE INDEX right_question_waiting ON right_question (right_id) WHERE state = 'waiting';
CREATE INDEX right_question_account ON right_question (account_id);
CREATE INDEX right_question_when ON right_question (state, answer_by);
