-- The files in the trash.

-- +goose Up
CREATE INDEX files_trashed ON files (person_id, file_id) WHERE trashed_at IS NOT NULL;
