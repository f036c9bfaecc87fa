-- Search: who has a word, newest first, and what words begin with another.

-- +goose Up
CREATE INDEX words_newest ON words (word, created_at, person_id);
