-- Submitters, one row each.
--
-- Times are microseconds since 1970-01-01 UTC: MySQL and SQLite have no date type that behaves alike in both.
-- name_key is dossier.SearchKey(name), cut to 400 code points; folding may lengthen a name, and 400 still fit an index.
-- Texts compare by code point: MySQL's database default is utf8mb4_bin, SQLite's is BINARY.
-- "IF NOT EXISTS" lets a run that was cut off between this statement and its entry in the version table be repeated.

-- +goose Up
CREATE TABLE IF NOT EXISTS people (
    id           CHAR(36)     NOT NULL,
    name         VARCHAR(200) NOT NULL,
    location     VARCHAR(200) NOT NULL,
    age          SMALLINT     NOT NULL,
    technology   VARCHAR(200) NOT NULL,
    receipt_hash CHAR(64)     NOT NULL,
    state        VARCHAR(16)  NOT NULL,
    name_key     VARCHAR(400) NOT NULL,
    created_at   BIGINT       NOT NULL,
    updated_at   BIGINT       NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT people_age CHECK (age BETWEEN 0 AND 130),
    CONSTRAINT people_state CHECK (state IN ('submitting', 'submitted', 'deleting'))
);
