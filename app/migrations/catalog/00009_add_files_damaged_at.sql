-- When that was found.

-- +goose Up
ALTER TABLE files ADD COLUMN damaged_at BIGINT NULL;
