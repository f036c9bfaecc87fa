-- For MariaDB 10.11 and later and MySQL 8.4. It makes the database and the app's user as release 0.1.0 did.
SET NAMES utf8mb4;
SET time_zone = '+00:00';
CREATE DATABASE `dossier` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
USE `dossier`;
CREATE TABLE `goose_people` (
  `id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `version_id` bigint NOT NULL,
  `is_applied` tinyint(1) NOT NULL,
  `tstamp` datetime DEFAULT current_timestamp(),
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=6 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
INSERT INTO `goose_people` (`id`, `version_id`, `is_applied`, `tstamp`) VALUES (1, 0, 1, '2026-11-28 08:14:32');
INSERT INTO `goose_people` (`id`, `version_id`, `is_applied`, `tstamp`) VALUES (2, 1, 1, '2026-11-28 08:14:33');
INSERT INTO `goose_people` (`id`, `version_id`, `is_applied`, `tstamp`) VALUES (3, 2, 1, '2026-11-28 08:14:33');
INSERT INTO `goose_people` (`id`, `version_id`, `is_applied`, `tstamp`) VALUES (4, 3, 1, '2026-11-28 08:14:33');
INSERT INTO `goose_people` (`id`, `version_id`, `is_applied`, `tstamp`) VALUES (5, 4, 1, '2026-11-28 08:14:33');
CREATE TABLE `people` (
  `id` char(36) NOT NULL,
  `name` varchar(200) NOT NULL,
  `location` varchar(200) NOT NULL,
  `age` smallint NOT NULL,
  `technology` varchar(200) NOT NULL,
  `receipt_hash` char(64) NOT NULL,
  `state` varchar(16) NOT NULL,
  `name_key` varchar(400) NOT NULL,
  `created_at` bigint NOT NULL,
  `updated_at` bigint NOT NULL,
  PRIMARY KEY (`id`),
  KEY `people_newest` (`state`,`created_at`,`id`),
  KEY `people_name_key` (`state`,`name_key`),
  KEY `people_leftovers` (`state`,`id`,`updated_at`),
  CONSTRAINT `people_age` CHECK (`age` between 0 and 130),
  CONSTRAINT `people_state` CHECK (`state` in ('submitting','submitted','deleting'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
INSERT INTO `people` (`id`, `name`, `location`, `age`, `technology`, `receipt_hash`, `state`, `name_key`, `created_at`, `updated_at`) VALUES ('01a22138-7fb8-7456-ad2a-6208414a51c9', 'Ada Lovelace', 'London', 36, 'Analytical Engine', '5080bdf3ab8f12c111885e5823ad03a5683906510578b604e2d6fb7904dc522e', 'submitted', 'ada lovelace', 1795853680574327, 1795853680968942);
INSERT INTO `people` (`id`, `name`, `location`, `age`, `technology`, `receipt_hash`, `state`, `name_key`, `created_at`, `updated_at`) VALUES ('01a22138-81ee-7794-a14e-2150e346133c', 'Grace Hopper', 'Arlington', 85, 'COBOL', 'f6e4094ab05c976e56617aa01198aacc33709c14f351f1af3f93cccec1dde68d', 'submitted', 'grace hopper', 1795853681139232, 1795853681140128);
INSERT INTO `people` (`id`, `name`, `location`, `age`, `technology`, `receipt_hash`, `state`, `name_key`, `created_at`, `updated_at`) VALUES ('01a22138-81f5-7c82-9b60-71ba6ae9da4a', 'Élodie Çelik', 'Saint-Étienne', 29, 'Métier à tisser', 'a9e82620c362c14f7a01557650a37f1e34c625e0ba7ca243fe6d243f9ab8ee1f', 'submitted', 'elodie celik', 1795853681146310, 1795853681147058);
INSERT INTO `people` (`id`, `name`, `location`, `age`, `technology`, `receipt_hash`, `state`, `name_key`, `created_at`, `updated_at`) VALUES ('01a22138-8806-704f-af08-5d35eb23d975', 'Charles Babbage', 'Walworth', 44, 'Difference Engine', 'cdc2c89651210884a57433306243385d8b9a468985ab675cce99a4b7724edc99', 'submitting', 'charles babbage', 1795853682771680, 1795853682771680);
INSERT INTO `people` (`id`, `name`, `location`, `age`, `technology`, `receipt_hash`, `state`, `name_key`, `created_at`, `updated_at`) VALUES ('01a22138-9059-7953-b94c-67199ec85874', 'Annie Easley', 'Cleveland', 22, 'SOAP', '0c820e5e48774eba252852e605812218abb926926c1b2662cb634abe64f50d77', 'submitting', 'annie easley', 1795853684828894, 1795853684828894);
INSERT INTO `people` (`id`, `name`, `location`, `age`, `technology`, `receipt_hash`, `state`, `name_key`, `created_at`, `updated_at`) VALUES ('01a22138-9084-7994-85f6-befa8c4d32de', 'Alan Turing', 'Bletchley', 41, 'Bombe', '6388d4f0815b35065eeeb9be1b8a111c378b5d20d7e9aded9e702772616085c0', 'deleting', 'alan turing', 1795853684873404, 1795853685036204);
INSERT INTO `people` (`id`, `name`, `location`, `age`, `technology`, `receipt_hash`, `state`, `name_key`, `created_at`, `updated_at`) VALUES ('01a22138-91db-75d5-aa1a-77dab268ce2a', 'Katherine Johnson', 'Hampton', 43, 'Trajectory tables', 'fd7e6279e5bdad72450e098254bb81b01ad6d8a01972206419d09cb8009bc954', 'submitted', 'katherine johnson', 1795853685213928, 1795853685216102);
CREATE USER 'dossier'@'%' IDENTIFIED BY 'the password of release 0.1.0' REQUIRE SSL;
GRANT SELECT ON `dossier`.`goose_people` TO `dossier`@`%`;
GRANT SELECT, INSERT, UPDATE, DELETE ON `dossier`.`people` TO `dossier`@`%`;
