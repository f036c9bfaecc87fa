-- Records of files, one row each: the embedded twin of the DynamoDB table.
--
-- Times are microseconds since 1970-01-01 UTC. size, sha256, crc64 and content_type are NULL until the bytes arrived.
-- Checksums are lower-case hexadecimal; a CRC-64 does not fit the signed integers of SQL.

-- +goose Up
CREATE TABLE IF NOT EXISTS files (
    person_id    CHAR(36)     NOT NULL,
    file_id      CHAR(36)     NOT NULL,
    name         VARCHAR(255) NOT NULL,
    author       VARCHAR(200) NOT NULL,
    state        VARCHAR(16)  NOT NULL,
    size         BIGINT       NULL,
    sha256       CHAR(64)     NULL,
    crc64        CHAR(16)     NULL,
    content_type VARCHAR(255) NULL,
    created_at   BIGINT       NOT NULL,
    updated_at   BIGINT       NOT NULL,
    PRIMARY KEY (person_id, file_id),
    CONSTRAINT files_state CHECK (state IN ('uploading', 'stored', 'deleting')),
    CONSTRAINT files_size CHECK (size >= 0),
    CONSTRAINT files_stored_whole CHECK (
        state <> 'stored'
        OR (size IS NOT NULL AND sha256 IS NOT NULL AND crc64 IS NOT NULL AND content_type IS NOT NULL)
    )
);
