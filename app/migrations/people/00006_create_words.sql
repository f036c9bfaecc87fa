-- The words by which persons in state 'submitted' are found: dossier.Details and the names of their files, folded by
-- dossier.SearchWords. created_at is the person's, so that an index has those of a word newest first.

-- +goose Up
CREATE TABLE IF NOT EXISTS words (
    person_id  CHAR(36)    NOT NULL,
    word       VARCHAR(64) NOT NULL,
    created_at BIGINT      NOT NULL,
    PRIMARY KEY (person_id, word)
);
