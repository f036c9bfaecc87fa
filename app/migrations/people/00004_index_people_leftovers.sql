-- Reconciliation: what is left in one state, in pages by id. updated_at lets rows that are too young be passed over in the index.

-- +goose Up
CREATE INDEX people_leftovers ON people (state, id, updated_at);
