/**
 * `cron`: messages that are published again and again; `wire` is the message without an id. `next_at` is the tick that is due
 * next, null while the entry is paused or has none: so the one index finds what is due.
 */
export const cronTable: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS cron (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(64) NOT NULL,
    topic VARCHAR(128) NOT NULL,
    expression VARCHAR(128) NOT NULL,
    time_zone VARCHAR(64) NOT NULL,
    missed TINYINT UNSIGNED NOT NULL,
    paused TINYINT UNSIGNED NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    next_at BIGINT NULL,
    last_at BIGINT NOT NULL,
    last_message_id VARCHAR(128) NOT NULL,
    wire LONGBLOB NOT NULL,
    UNIQUE KEY cron_name (name),
    KEY cron_next (next_at),
    KEY cron_topic (topic, name)
  ) ENGINE = InnoDB CHARACTER SET ascii COLLATE ascii_bin`,
];
