-- Reconciliation: whose words are still to be written, in pages by id.

-- +goose Up
CREATE INDEX people_words ON people (state, words_version, id);
