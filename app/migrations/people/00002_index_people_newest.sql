-- The directory: newest first, a page at a time.

-- +goose Up
CREATE INDEX people_newest ON people (state, created_at, id);
