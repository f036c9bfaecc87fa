-- The staff, one row each. address_key is the SHA-256 of the address without the differences of case, and identity_key
-- that of issuer and subject, because the texts are wider than an index takes. password is a PHC string, codes the
-- secret of time-based codes, sealed, codes_step the last step of which a code was used, and recovery the hashes of the
-- recovery codes that are left. link_hash is made of the link that lets the owner in to set them; none is NULL. Times
-- are microseconds since 1970-01-01 UTC; 0 is never.

-- +goose Up
CREATE TABLE IF NOT EXISTS accounts (
    id              CHAR(36)      NOT NULL,
    name            VARCHAR(200)  NOT NULL,
    address         VARCHAR(254)  NOT NULL,
    address_key     CHAR(64)      NOT NULL,
    role            VARCHAR(16)   NOT NULL,
    state           VARCHAR(16)   NOT NULL,
    issuer          VARCHAR(255)  NOT NULL,
    subject         VARCHAR(255)  NOT NULL,
    identity_key    CHAR(64)      NULL,
    password        VARCHAR(255)  NOT NULL,
    codes           VARCHAR(255)  NOT NULL,
    codes_step      BIGINT        NOT NULL,
    recovery        VARCHAR(1000) NOT NULL,
    link_hash       CHAR(64)      NULL,
    link_expires_at BIGINT        NOT NULL,
    revision        BIGINT        NOT NULL,
    created_at      BIGINT        NOT NULL,
    changed_at      BIGINT        NOT NULL,
    signed_in_at    BIGINT        NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT accounts_address UNIQUE (address_key),
    CONSTRAINT accounts_identity UNIQUE (identity_key),
    CONSTRAINT accounts_link UNIQUE (link_hash)
);
