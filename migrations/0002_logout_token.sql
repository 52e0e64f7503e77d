-- The person as the provider's logout tokens name them (`sub`), which for Entra is not the subject that is linked.
ALTER TABLE session ADD COLUMN provider_subject TEXT;
CREATE INDEX session_provider_subject ON session (directory, provider_subject) WHERE ended_at IS NULL;

-- Logout tokens that were taken, so that none works twice.
CREATE TABLE logout_token (
    directory TEXT NOT NULL,
    jti_hash BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (directory, jti_hash)
);
CREATE INDEX logout_token_old ON logout_token (expires_at);
