-- The personal tokens of staff, one row each. scopes are names with spaces between; token_hash is made of the token's
-- secret, in hexadecimal. Times are microseconds since 1970-01-01 UTC; used_at is 0 if never.

-- +goose Up
CREATE TABLE IF NOT EXISTS tokens (
    id         CHAR(36)     NOT NULL,
    account_id CHAR(36)     NOT NULL,
    name       VARCHAR(100) NOT NULL,
    scopes     VARCHAR(64)  NOT NULL,
    token_hash CHAR(64)     NOT NULL,
    created_at BIGINT       NOT NULL,
    expires_at BIGINT       NOT NULL,
    used_at    BIGINT       NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT tokens_hash UNIQUE (token_hash)
);
