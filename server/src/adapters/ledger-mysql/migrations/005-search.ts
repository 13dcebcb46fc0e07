/**
 * `terms`: what messages are found by, their key (an empty name) and the headers of config `SearchHeaders`; a row each, for every
 * record and for what waits for its topic. A table of its own, since InnoDB has no index on some rows only: in a column of
 * `deliveries`, each message without a key would have an entry in the index too. So those cost nothing here, and the step nothing
 * however large `deliveries` is. A value is bytes, so that an end of spaces counts.
 *
 * `nodes`: numbers of gateways, so that a record names its own in four bytes. Both columns come last and with a constant, which
 * MySQL 8.0.12 and MariaDB 10.3 add without touching a row. Numbers stay, a row of 120 bytes for each start of a gateway: whether
 * a record still names one would take a scan of both tables, or an index that every ack pays for; and a gateway that was frozen,
 * for however long, writes its number again.
 */
export const searchTables: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS terms (
    channel_id INT UNSIGNED NOT NULL,
    topic_id INT UNSIGNED NOT NULL,
    message_id VARCHAR(128) NOT NULL,
    name VARCHAR(128) NOT NULL,
    value VARBINARY(512) NOT NULL,
    accepted_at BIGINT NOT NULL,
    PRIMARY KEY (channel_id, topic_id, message_id, name),
    KEY term_value (name, value, accepted_at)
  ) ENGINE = InnoDB CHARACTER SET ascii COLLATE ascii_bin`,

  `CREATE TABLE IF NOT EXISTS nodes (
    id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(128) NOT NULL,
    UNIQUE KEY node_name (name)
  ) ENGINE = InnoDB CHARACTER SET ascii COLLATE ascii_bin`,

  'ALTER TABLE deliveries ADD COLUMN node_id INT UNSIGNED NOT NULL DEFAULT 0',
  'ALTER TABLE attempts ADD COLUMN node_id INT UNSIGNED NOT NULL DEFAULT 0',
];
