-- Since when objects without a record, and records without a person, are seen so: they are removed an age later.

-- +goose Up
CREATE TABLE IF NOT EXISTS ownerless (
    person_id CHAR(36) NOT NULL,
    file_id   CHAR(36) NOT NULL,
    since     BIGINT   NOT NULL,
    PRIMARY KEY (person_id, file_id)
);
