-- The size that was announced, in bytes.

-- +goose Up
ALTER TABLE files ADD COLUMN upload_size BIGINT NULL CHECK (upload_size >= 0);
