-- What lists of people are sorted and found by. The sort key of the name and the words of it are made by the program, in
-- bytes: text sorts differently from engine to engine. No key yet: made at the next start. seen_at 0: never seen.
ALTER TABLE account ADD COLUMN name_key BYTEA;
ALTER TABLE account ADD COLUMN seen_at BIGINT NOT NULL DEFAULT 0;
UPDATE account SET seen_at = (SELECT MAX(e.seen_at) FROM evidence e WHERE e.account_id = account.id)
 WHERE EXISTS (SELECT 1 FROM evidence e WHERE e.account_id = account.id);
CREATE INDEX account_named ON account (name_key, id);
CREATE INDEX account_named_as ON account (status, name_key, id);
CREATE INDEX account_named_shut ON account (name_key, id) WHERE status <> 'active';
CREATE INDEX account_seen ON account (seen_at, id);
CREATE INDEX account_seen_as ON account (status, seen_at, id);
CREATE INDEX account_seen_shut ON account (seen_at, id) WHERE status <> 'active';
CREATE INDEX account_valid_from ON account (valid_from) WHERE valid_from IS NOT NULL;

-- The words that a person is found by as they are typed: of the names and the address, folded, with and without accents.
CREATE TABLE account_word (
    word BYTEA NOT NULL,
    account_id UUID NOT NULL REFERENCES account (id),
    PRIMARY KEY (word, account_id)
);
CREATE INDEX account_word_of ON account_word (account_id, word);

CREATE INDEX identity_of_directory ON identity (directory, account_id) WHERE deleted_at IS NULL;
CREATE INDEX entitlement_origin ON entitlement (origin, account_id) WHERE until IS NULL;
CREATE INDEX outbox_dead ON outbox (target, account_id) WHERE state = 'dead';
CREATE INDEX account_status_left ON account_status (since) WHERE status = 'deactivated' AND reason = 'departed';
