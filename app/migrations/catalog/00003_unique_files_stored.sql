-- Within a person, a name and a content are stored once, however many commits run at once.

-- +goose Up
CREATE UNIQUE INDEX files_stored ON files (person_id, name, sha256, size) WHERE state = 'stored';
