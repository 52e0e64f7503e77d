-- What a policy would do if it were put into force, with its text, under a hash.
CREATE TABLE policy_plan (
    hash TEXT NOT NULL PRIMARY KEY,
    created_at BIGINT NOT NULL,
    by_actor TEXT NOT NULL,
    text TEXT NOT NULL,
    document JSONB NOT NULL,
    digests JSONB NOT NULL,
    applied_as BIGINT
);
CREATE INDEX policy_plan_when ON policy_plan (created_at);
