-- Who lost access lately and has not got it back: what the safety limits count before anybody else loses it.
CREATE INDEX account_status_taken ON account_status (since)
    WHERE until IS NULL AND status IN ('frozen', 'deactivated', 'removed');
