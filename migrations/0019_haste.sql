-- What deliveries count at every turn: rows of replays that wait, and accounts that failed since a target last answered.
CREATE INDEX outbox_background ON outbox (target) WHERE state = 'waiting' AND background;
CREATE INDEX outbox_tried ON outbox (target, tried_at) WHERE state = 'waiting' AND tried_at IS NOT NULL;
