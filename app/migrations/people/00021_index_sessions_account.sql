-- The sessions of an account, newest first.

-- +goose Up
CREATE INDEX sessions_account ON sessions (account, began_at, id);
