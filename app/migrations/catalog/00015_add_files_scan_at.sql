-- When that was; 0 for never, as in scan_until.

-- +goose Up
ALTER TABLE files ADD COLUMN scan_at BIGINT NULL;
