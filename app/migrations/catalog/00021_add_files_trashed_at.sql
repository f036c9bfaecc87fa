-- Since when a stored file is in the trash, in microseconds since 1970-01-01 UTC; NULL: it is not.

-- +goose Up
ALTER TABLE files ADD COLUMN trashed_at BIGINT;
