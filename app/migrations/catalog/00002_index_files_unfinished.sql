-- Reconciliation: what is still uploading or deleting, oldest first.

-- +goose Up
CREATE INDEX files_unfinished ON files (state, updated_at);
