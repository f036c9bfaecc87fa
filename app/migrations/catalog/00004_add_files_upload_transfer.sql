-- How a file's bytes come where the sender sends them to the object store directly: the store's id of the transfer. It is NULL, as are
-- the other two columns upload_..., where they pass through a form.

-- +goose Up
ALTER TABLE files ADD COLUMN upload_transfer VARCHAR(1024) NULL;
