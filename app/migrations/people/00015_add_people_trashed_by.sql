-- Who put the person in the trash, as pages show it.

-- +goose Up
ALTER TABLE people ADD COLUMN trashed_by VARCHAR(200) NOT NULL DEFAULT '';
