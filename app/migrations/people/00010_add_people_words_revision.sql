-- Counts the changes of the person's words, so that nobody replaces words that were added meanwhile.

-- +goose Up
ALTER TABLE people ADD COLUMN words_revision BIGINT NOT NULL DEFAULT 0;
