-- The files that wait for a scanner, and those that it found something in.

-- +goose Up
CREATE INDEX files_scan ON files (scan, person_id, file_id) WHERE scan IN ('waiting', 'failed', 'infected');
