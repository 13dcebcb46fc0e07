<?php

declare(strict_types=1);

namespace Waybill\Outbox;

/**
 * A statement with its values, run in one go. Failures are PDOExceptions, however the connection is set.
 *
 * @internal
 */
final class Statement
{
    /**
     * @param list<int|string|Blob|null> $values
     */
    public static function of(\PDO $pdo, string $sql, array $values = []): \PDOStatement
    {
        $statement = $pdo->prepare($sql);
        if ($statement === false) {
            throw self::failure($pdo->errorInfo());
        }
        foreach ($values as $at => $value) {
            match (true) {
                \is_int($value) => $statement->bindValue($at + 1, $value, \PDO::PARAM_INT),
                $value instanceof Blob => $statement->bindValue($at + 1, $value->bytes, \PDO::PARAM_LOB),
                default => $statement->bindValue($at + 1, $value, $value === null ? \PDO::PARAM_NULL : \PDO::PARAM_STR),
            };
        }
        if (!$statement->execute()) {
            throw self::failure($statement->errorInfo());
        }

        return $statement;
    }

    /**
     * @param list<int|string|Blob|null> $values
     *
     * @return list<array<string, mixed>>
     */
    public static function rows(\PDO $pdo, string $sql, array $values = []): array
    {
        $rows = [];
        $statement = self::of($pdo, $sql, $values);
        while (\is_array($row = $statement->fetch(\PDO::FETCH_ASSOC))) {
            $rows[] = array_combine(array_map(strval(...), array_keys($row)), $row);
        }

        return $rows;
    }

    /** A number as databases give it: BIGINT may come as text, a computed one with a fraction. */
    public static function int(mixed $cell): int
    {
        return is_numeric($cell) ? (int) round((float) $cell) : 0;
    }

    /** Text or bytes; PostgreSQL gives bytes as a stream. */
    public static function string(mixed $cell): string
    {
        return match (true) {
            \is_string($cell) => $cell,
            \is_resource($cell) => (string) stream_get_contents($cell),
            \is_scalar($cell) => (string) $cell,
            default => '',
        };
    }

    /**
     * What a connection that throws nothing has to say.
     *
     * @param array<array-key, mixed> $info `errorInfo()`
     */
    public static function failure(array $info): \PDOException
    {
        $exception = new \PDOException(self::string($info[2] ?? 'the statement failed'));
        $exception->errorInfo = $info;

        return $exception;
    }

    private function __construct() {}
}
