-- What is told again, or for the first time to a new target, waits behind everything that changed. When a row was last tried.
ALTER TABLE outbox ADD COLUMN background BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE outbox ADD COLUMN tried_at BIGINT;
CREATE INDEX outbox_account ON outbox (account_id);
CREATE INDEX delivered_account ON delivered (account_id);

-- Whether a target is left alone because account after account failed. answered_at: when it last answered for anybody;
-- open_since: since when it is left alone; probe_at: when one account is tried; probes: how many trials have failed.
CREATE TABLE target_circuit (
    target TEXT NOT NULL PRIMARY KEY,
    answered_at BIGINT,
    open_since BIGINT,
    probe_at BIGINT,
    probes BIGINT NOT NULL,
    error TEXT
);

-- A target is told of many accounts again, or of those that there were before it. Page by page, after after_account.
CREATE TABLE target_replay (
    id UUID NOT NULL PRIMARY KEY,
    target TEXT NOT NULL,
    kind TEXT NOT NULL,
    since BIGINT,
    by_actor TEXT NOT NULL,
    begun_at BIGINT NOT NULL,
    after_account UUID,
    queued BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX target_replay_target ON target_replay (target, begun_at);
