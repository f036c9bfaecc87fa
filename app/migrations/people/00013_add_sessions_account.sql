-- Whose session it is; NULL of one that the shared secret opened.

-- +goose Up
ALTER TABLE sessions ADD COLUMN account CHAR(36) NULL;
