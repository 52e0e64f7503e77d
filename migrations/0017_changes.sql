-- Where an account stands in the order in which CRMs read what changed. Nothing: it changed since places were last given out.
ALTER TABLE account ADD COLUMN position BIGINT;
CREATE UNIQUE INDEX account_position ON account (position) WHERE position IS NOT NULL;
CREATE INDEX account_unplaced ON account (id) WHERE position IS NULL;

-- The row that whoever gives out places locks first: the name of this order and its last place.
INSERT INTO setting (name, value) VALUES ('changes', '');

-- How far a CRM that reads for itself has come.
CREATE TABLE target_reading (
    target TEXT NOT NULL PRIMARY KEY,
    position BIGINT NOT NULL,
    at BIGINT NOT NULL
);
