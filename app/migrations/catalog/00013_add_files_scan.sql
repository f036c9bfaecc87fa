-- What is known of a file from a scanner for malware: waiting, clean, infected, failed or not_scanned. NULL, as are the
-- other columns scan_..., where no scanner was set when the file arrived, nor since.

-- +goose Up
ALTER TABLE files ADD COLUMN scan VARCHAR(16) NULL;
