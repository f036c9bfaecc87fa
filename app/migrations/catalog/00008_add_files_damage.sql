-- What is known to be wrong with the object of a stored file: missing, or differs.

-- +goose Up
ALTER TABLE files ADD COLUMN damage VARCHAR(16) NULL;
