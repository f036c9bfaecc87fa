-- When the receipt stops to open, in microseconds since 1970-01-01 UTC; 0: never. A former release inserts rows without
-- it.

-- +goose Up
ALTER TABLE people ADD COLUMN receipt_expires_at BIGINT NOT NULL DEFAULT 0;
