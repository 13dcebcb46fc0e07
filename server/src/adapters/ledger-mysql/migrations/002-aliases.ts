/**
 * `aliases`: other names of deliveries that were leased. `ref` is the alias of the delivery before, of the same message and
 * channel. Aliases begin with the time, so that rows are appended; they go with the record that `alias_message` finds.
 */
export const aliasTable: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS aliases (
    alias VARCHAR(20) NOT NULL PRIMARY KEY,
    channel_id INT UNSIGNED NOT NULL,
    topic_id INT UNSIGNED NOT NULL,
    message_id VARCHAR(128) NOT NULL,
    attempt INT UNSIGNED NOT NULL,
    nonce BIGINT UNSIGNED NOT NULL,
    ref VARCHAR(20) NOT NULL,
    created_at BIGINT NOT NULL,
    KEY alias_message (channel_id, topic_id, message_id)
  ) ENGINE = InnoDB CHARACTER SET ascii COLLATE ascii_bin`,
];
