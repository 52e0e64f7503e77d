-- Approved leave. Only that it was approved, by whom and for how long: no reason, for that may be about health.
CREATE TABLE account_leave (
    id UUID NOT NULL PRIMARY KEY,
    account_id UUID NOT NULL REFERENCES account (id),
    from_at BIGINT NOT NULL,
    until_at BIGINT NOT NULL,
    approver TEXT NOT NULL,
    by_actor TEXT NOT NULL,
    noted_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE UNIQUE INDEX account_leave_now ON account_leave (account_id) WHERE ended_at IS NULL;
CREATE INDEX account_leave_past ON account_leave (account_id, from_at);
CREATE INDEX account_leave_begins ON account_leave (from_at) WHERE ended_at IS NULL;

-- What falls due by a date, and runs that were broken off.
CREATE INDEX account_valid_until ON account (valid_until) WHERE valid_until IS NOT NULL;
CREATE INDEX account_paused ON account (leave_until) WHERE status = 'paused';
CREATE INDEX run_unfinished ON run (started_at) WHERE finished_at IS NULL;
CREATE INDEX run_plan ON run (plan_hash);
CREATE INDEX entitlement_ends ON entitlement (ends_at) WHERE until IS NULL AND ends_at IS NOT NULL;
