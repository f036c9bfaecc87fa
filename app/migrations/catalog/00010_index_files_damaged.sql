-- The damaged files, for staff and for alarms.

-- +goose Up
CREATE INDEX files_damaged ON files (person_id, file_id) WHERE damage IS NOT NULL;
