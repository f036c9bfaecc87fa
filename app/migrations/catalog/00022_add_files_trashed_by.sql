-- Who put the file in the trash, as pages show it.

-- +goose Up
ALTER TABLE files ADD COLUMN trashed_by VARCHAR(200);
