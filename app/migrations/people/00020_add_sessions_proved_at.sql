-- When somebody last proved who they are, in microseconds since 1970-01-01 UTC, where that was before the session
-- began; NULL: when it began.

-- +goose Up
ALTER TABLE sessions ADD COLUMN proved_at BIGINT NULL;
