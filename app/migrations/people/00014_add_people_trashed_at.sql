-- Since when the person is in the trash, in microseconds since 1970-01-01 UTC; 0: it is not. A column and no state: a
-- former release, which may serve during a rollout, shows who is in the trash, and loses nobody.

-- +goose Up
ALTER TABLE people ADD COLUMN trashed_at BIGINT NOT NULL DEFAULT 0;
