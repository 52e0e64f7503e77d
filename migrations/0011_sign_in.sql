-- A sign-in under way is kept by its browser, sealed; what stands here is only that its answer has come. Who was on the
-- way to the provider while this was applied begins again.
DROP TABLE login_attempt;

CREATE TABLE login_answered (
    state_hash BYTEA NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX login_answered_old ON login_answered (expires_at);
