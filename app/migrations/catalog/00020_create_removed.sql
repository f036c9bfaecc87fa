-- The ids of files that were removed a short while ago, and until when none is put under them again: who still removes
-- the old file would take the new one for it. By the second constraint they are found in the order in which they are
-- forgotten.

-- +goose Up
CREATE TABLE IF NOT EXISTS removed (
    person_id CHAR(36) NOT NULL,
    file_id   CHAR(36) NOT NULL,
    until     BIGINT   NOT NULL,
    PRIMARY KEY (person_id, file_id),
    UNIQUE (until, person_id, file_id)
);
