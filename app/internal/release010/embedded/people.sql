PRAGMA journal_mode=WAL;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE goose_people (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
INSERT INTO goose_people VALUES(1,0,1,'2026-11-28 08:12:03');
INSERT INTO goose_people VALUES(2,1,1,'2026-11-28 08:12:03');
INSERT INTO goose_people VALUES(3,2,1,'2026-11-28 08:12:03');
INSERT INTO goose_people VALUES(4,3,1,'2026-11-28 08:12:03');
INSERT INTO goose_people VALUES(5,4,1,'2026-11-28 08:12:03');
CREATE TABLE people (
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
INSERT INTO people VALUES('01a22136-18a5-7837-abcd-215934db0016','Ada Lovelace','London',36,'Analytical Engine','0d55690ff36c251bc9ea10492f007decc04a9e0d66ff4f21b109ee7882d9ac08','submitted','ada lovelace',1795853523114841,1795853523126031);
INSERT INTO people VALUES('01a22136-18be-73d7-b249-e9a9fe442a15','Grace Hopper','Arlington',85,'COBOL','2483443cd28f5345c00b98a9960f63bcd267ea00a5b82bba105d0212a30c7f06','submitted','grace hopper',1795853523138423,1795853523138853);
INSERT INTO people VALUES('01a22136-18c3-79e2-bcba-ce0375a6770e','Élodie Çelik','Saint-Étienne',29,'Métier à tisser','af8b9cf14d7a0024a56b37d3a8cda45d8fa9b942648b74e848c405b9ffbed541','submitted','elodie celik',1795853523144208,1795853523144747);
INSERT INTO people VALUES('01a22136-199b-71b5-b0df-4c9b057e161e','Charles Babbage','Walworth',44,'Difference Engine','3fd45e8fa56f36c210757debf2cb507073a1b9bcafe8935fd023f0a80ff834e8','submitting','charles babbage',1795853523403409,1795853523403409);
INSERT INTO people VALUES('01a22136-21b0-72fa-ac01-ddfa94968f68','Annie Easley','Cleveland',22,'SOAP','af7a38e89be0e2aa0a930671c3bfefddac131cf7d13e28d56942e633b3816995','submitting','annie easley',1795853525427435,1795853525427435);
INSERT INTO people VALUES('01a22136-21b8-796d-bb2e-4e86cd899e0b','Alan Turing','Bletchley',41,'Bombe','33e3555c3685337f291e78bf46a1acd407ba630fa196f3379668c136c7daa499','deleting','alan turing',1795853525436862,1795853525445179);
INSERT INTO people VALUES('01a22136-2270-7a03-b3c1-70072d7977d2','Katherine Johnson','Hampton',43,'Trajectory tables','fdb6d3a8452363e0081bf01d33d307612fcf5fadade083e14e6112ccac9ac05f','submitted','katherine johnson',1795853525620251,1795853525621181);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('goose_people',5);
CREATE INDEX people_newest ON people (state, created_at, id);
CREATE INDEX people_name_key ON people (state, name_key);
CREATE INDEX people_leftovers ON people (state, id, updated_at);
COMMIT;
