-- Whether the issuer that somebody signs in with gave the role, or the settings did, and not an administrator: 1 or 0.

-- +goose Up
ALTER TABLE accounts ADD COLUMN role_given SMALLINT NOT NULL DEFAULT 0;
