-- When the newest of each kind of event happened to an item, by the CRM's own clock: what comes late overwrites nothing.
-- life_at: created or deleted; assigned_at, participants_at: what is known of them is as it was told for that instant.
ALTER TABLE item ADD COLUMN life_at BIGINT;
ALTER TABLE item ADD COLUMN assigned_at BIGINT;
ALTER TABLE item ADD COLUMN participants_at BIGINT;

-- Events that were followed, by the CRM's own id of each: a repeat is known as one. The digest tells another event under the same id.
CREATE TABLE item_event (
    target TEXT NOT NULL,
    id TEXT NOT NULL,
    digest TEXT NOT NULL,
    followed_at BIGINT NOT NULL,
    PRIMARY KEY (target, id)
);
CREATE INDEX item_event_old ON item_event (followed_at);

-- What somebody sees, in the order of a page, without looking at what they do not see.
CREATE INDEX link_account_sight ON link (account_id, component, item) WHERE until IS NULL AND account_id IS NOT NULL;
CREATE INDEX link_role_sight ON link (role, component, item) WHERE until IS NULL AND role IS NOT NULL;
CREATE INDEX assignment_account_sight ON assignment (account_id, component, item) WHERE until IS NULL AND account_id IS NOT NULL;
CREATE INDEX assignment_role_sight ON assignment (role, component, item) WHERE until IS NULL AND role IS NOT NULL;
CREATE INDEX item_living ON item (component, item) WHERE deleted_at IS NULL;
CREATE INDEX entitlement_holders_page ON entitlement (kind, value, account_id) WHERE until IS NULL;

-- What somebody saw at a past instant.
CREATE INDEX link_account_past ON link (account_id, since) WHERE account_id IS NOT NULL;
CREATE INDEX link_role_past ON link (role, since) WHERE role IS NOT NULL;
CREATE INDEX assignment_account_past ON assignment (account_id, since) WHERE account_id IS NOT NULL;
CREATE INDEX assignment_role_past ON assignment (role, since) WHERE role IS NOT NULL;

CREATE INDEX link_ending ON link (ends_at) WHERE until IS NULL AND ends_at IS NOT NULL;
