-- What the scanner said.

-- +goose Up
ALTER TABLE files ADD COLUMN scan_detail VARCHAR(200) NULL;
