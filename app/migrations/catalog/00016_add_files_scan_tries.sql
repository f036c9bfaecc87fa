-- How often a scan began and came to no end.

-- +goose Up
ALTER TABLE files ADD COLUMN scan_tries BIGINT NULL;
