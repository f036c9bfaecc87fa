-- What instances remember for one another of their housekeeping. revision is another after every change.

-- +goose Up
CREATE TABLE IF NOT EXISTS notes (
    name     VARCHAR(64) NOT NULL PRIMARY KEY,
    value    BLOB        NOT NULL,
    revision VARCHAR(32) NOT NULL
);
