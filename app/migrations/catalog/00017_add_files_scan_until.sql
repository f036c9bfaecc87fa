-- How long the file is left to the instance that scans it, or when it is tried again.

-- +goose Up
ALTER TABLE files ADD COLUMN scan_until BIGINT NULL;
