-- The sessions of staff, one row each. token_hash is made of the browser's token, in hexadecimal. Times are
-- microseconds since 1970-01-01 UTC.

-- +goose Up
CREATE TABLE IF NOT EXISTS sessions (
    id         CHAR(36)     NOT NULL,
    token_hash CHAR(64)     NOT NULL,
    client     VARCHAR(64)  NOT NULL,
    agent      VARCHAR(256) NOT NULL,
    began_at   BIGINT       NOT NULL,
    seen_at    BIGINT       NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT sessions_token UNIQUE (token_hash)
);
