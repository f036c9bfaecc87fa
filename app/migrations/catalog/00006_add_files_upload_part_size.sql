-- The size of every part but the last, in bytes.

-- +goose Up
ALTER TABLE files ADD COLUMN upload_part_size BIGINT NULL CHECK (upload_part_size > 0);
