-- The directory, newest first, without those in the trash; and these, by when they came there.

-- +goose Up
CREATE INDEX people_listed ON people (state, trashed_at, created_at, id);
