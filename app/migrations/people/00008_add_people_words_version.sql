-- dossier.WordsVersion by which the person's words were written; 0: they were not. A former release inserts rows
-- without it.

-- +goose Up
ALTER TABLE people ADD COLUMN words_version SMALLINT NOT NULL DEFAULT 0;
