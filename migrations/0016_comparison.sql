-- What a CRM was found to hold when it was read back. state: reading, complete or failed. people: how many users the CRM
-- has. under_way: accounts that were just being told, of which nothing is said. heal_hash: what would be, or was, told
-- again; stop: why it was not.
CREATE TABLE comparison (
    id UUID NOT NULL PRIMARY KEY,
    target TEXT NOT NULL,
    begun_at BIGINT NOT NULL,
    ended_at BIGINT,
    by_actor TEXT NOT NULL,
    state TEXT NOT NULL,
    people BIGINT NOT NULL,
    missing BIGINT NOT NULL,
    extra BIGINT NOT NULL,
    different BIGINT NOT NULL,
    conflicting BIGINT NOT NULL,
    under_way BIGINT NOT NULL,
    to_heal BIGINT NOT NULL,
    healed BIGINT NOT NULL,
    heal_hash TEXT,
    stop TEXT,
    error TEXT
);
CREATE INDEX comparison_target ON comparison (target, begun_at);

-- Each user of the CRM, as the newest complete comparison read it, in the order of reading; the account it belongs to,
-- where there is one. roles: the CRM's names, a list in JSON. conflict: why it is clear to nobody whose it is.
CREATE TABLE comparison_user (
    comparison_id UUID NOT NULL,
    position BIGINT NOT NULL,
    crm_id TEXT NOT NULL,
    account_id UUID,
    conflict TEXT,
    user_name TEXT,
    display_name TEXT,
    email TEXT,
    active BOOLEAN,
    roles TEXT,
    last_login BIGINT,
    PRIMARY KEY (comparison_id, position)
);
CREATE UNIQUE INDEX comparison_user_crm_id ON comparison_user (comparison_id, crm_id);
CREATE INDEX comparison_user_account ON comparison_user (account_id, comparison_id);

-- What differs, a row for each attribute, or one for the person as a whole (attribute is empty).
CREATE TABLE comparison_difference (
    id UUID NOT NULL PRIMARY KEY,
    comparison_id UUID NOT NULL,
    class TEXT NOT NULL,
    account_id UUID,
    crm_id TEXT,
    attribute TEXT NOT NULL,
    ours TEXT,
    theirs TEXT,
    treatment TEXT NOT NULL
);
CREATE INDEX comparison_difference_of ON comparison_difference (comparison_id, id);
CREATE INDEX comparison_difference_account ON comparison_difference (account_id);
