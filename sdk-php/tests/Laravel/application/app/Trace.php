<?php

declare(strict_types=1);

namespace App;

/** What jobs and handlers did, for the test to read: lines of one file, in the order in which they were written. */
final class Trace
{
    public static function write(string $line): void
    {
        file_put_contents(self::file(), $line . "\n", \FILE_APPEND | \LOCK_EX);
    }

    /**
     * @return list<string>
     */
    public static function lines(): array
    {
        $lines = is_file(self::file()) ? file(self::file(), \FILE_IGNORE_NEW_LINES) : [];

        return $lines === false ? [] : $lines;
    }

    private static function file(): string
    {
        return getenv('APP_WORK') . '/trace.log';
    }
}
