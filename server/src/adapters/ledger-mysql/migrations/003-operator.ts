/**
 * `channel_states`: what an operator said of a channel. One that is deleted keeps its number, for when it is made again.
 * `audit`: what operators did. Lists of messages go by the indexes that are there.
 */
export const operatorTables: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS channel_states (
    channel_id INT UNSIGNED NOT NULL PRIMARY KEY,
    paused TINYINT UNSIGNED NOT NULL,
    deleted TINYINT UNSIGNED NOT NULL
  ) ENGINE = InnoDB CHARACTER SET ascii COLLATE ascii_bin`,

  `CREATE TABLE IF NOT EXISTS audit (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    at BIGINT NOT NULL,
    actor VARCHAR(256) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    action VARCHAR(64) NOT NULL,
    target VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    count BIGINT UNSIGNED NOT NULL,
    node VARCHAR(256) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    KEY audit_at (at)
  ) ENGINE = InnoDB CHARACTER SET ascii COLLATE ascii_bin`,
];
