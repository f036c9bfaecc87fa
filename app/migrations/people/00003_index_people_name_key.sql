-- The directory: search by the beginning of a name.

-- +goose Up
CREATE INDEX people_name_key ON people (state, name_key);
