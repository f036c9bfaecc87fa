-- The audit trail, one row for each entry. Rows are only added: the app's user may neither change nor remove any. A
-- chain is what one instance entered; each row has its own hash and that of the one before it in its chain, in
-- hexadecimal. IDs are empty where there is none. Times are microseconds since 1970-01-01 UTC. The constraints are what
-- rows are found by.

-- +goose Up
CREATE TABLE IF NOT EXISTS audit (
    chain         CHAR(36)     NOT NULL,
    seq           BIGINT       NOT NULL,
    recorded_at   BIGINT       NOT NULL,
    actor_id      VARCHAR(36)  NOT NULL,
    actor_name    VARCHAR(256) NOT NULL,
    session_id    VARCHAR(36)  NOT NULL,
    client        VARCHAR(64)  NOT NULL,
    action        VARCHAR(32)  NOT NULL,
    subject_kind  VARCHAR(16)  NOT NULL,
    subject_id    VARCHAR(36)  NOT NULL,
    file_id       VARCHAR(36)  NOT NULL,
    result        VARCHAR(16)  NOT NULL,
    request       VARCHAR(32)  NOT NULL,
    amount        BIGINT       NOT NULL,
    detail        VARCHAR(128) NOT NULL,
    previous_hash CHAR(64)     NOT NULL,
    entry_hash    CHAR(64)     NOT NULL,
    PRIMARY KEY (chain, seq),
    CONSTRAINT audit_newest UNIQUE (recorded_at, chain, seq),
    CONSTRAINT audit_actor UNIQUE (actor_id, recorded_at, chain, seq),
    CONSTRAINT audit_subject UNIQUE (subject_id, recorded_at, chain, seq),
    CONSTRAINT audit_action UNIQUE (action, recorded_at, chain, seq)
);
