-- Another after every change of the columns scan...

-- +goose Up
ALTER TABLE files ADD COLUMN scan_revision VARCHAR(32) NULL;
