-- What each person has, for the quota: files, and their bytes. Not part of a record's transaction: a file is counted before its record is put,
-- and uncounted after that is gone.
--
-- epoch is another after every recount, revision after every change.

-- +goose Up
CREATE TABLE IF NOT EXISTS usages (
    person_id  CHAR(36)    NOT NULL PRIMARY KEY,
    files      BIGINT      NOT NULL,
    bytes      BIGINT      NOT NULL,
    epoch      VARCHAR(32) NOT NULL,
    revision   VARCHAR(32) NOT NULL,
    updated_at BIGINT      NOT NULL,
    CONSTRAINT usages_counts CHECK (files >= 0 AND bytes >= 0)
);
