-- When somebody left, when their account was closed for it, and when each CRM had taken that. `version` is the least that tells of it.
CREATE TABLE departure (
    account_id UUID NOT NULL REFERENCES account (id),
    closed_at BIGINT NOT NULL,
    left_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (account_id, closed_at)
);
CREATE INDEX departure_when ON departure (closed_at);

CREATE TABLE departure_told (
    account_id UUID NOT NULL REFERENCES account (id),
    closed_at BIGINT NOT NULL,
    target TEXT NOT NULL,
    confirmed_at BIGINT,
    PRIMARY KEY (account_id, closed_at, target)
);
CREATE INDEX departure_told_waiting ON departure_told (target, account_id) WHERE confirmed_at IS NULL;

-- Who had departed before this was noted: the provider's own instant was not kept then.
INSERT INTO departure (account_id, closed_at, left_at, version)
SELECT account_id, MAX(since), MAX(since), 0 FROM account_status
 WHERE status = 'deactivated' AND reason = 'departed' AND until IS NULL GROUP BY account_id;
INSERT INTO departure_told (account_id, closed_at, target, confirmed_at)
SELECT d.account_id, d.closed_at, t.target, t.at FROM departure d JOIN delivered t ON t.account_id = d.account_id
 WHERE t.at >= d.closed_at;
