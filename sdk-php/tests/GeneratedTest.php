<?php

declare(strict_types=1);

namespace Waybill\Tests;

use PHPUnit\Framework\TestCase;

final class GeneratedTest extends TestCase
{
    public function testTheGeneratedClassesAreThoseOfTheContract(): void
    {
        $root = \dirname(__DIR__);
        $folder = sys_get_temp_dir() . '/waybill-php-generated-' . bin2hex(random_bytes(6));
        mkdir($folder);
        try {
            $make = \sprintf('cd %s && protoc --proto_path=. --php_out=%s waybill/v1/*.proto mq/*.proto 2>&1', escapeshellarg("{$root}/../proto"), escapeshellarg($folder));
            exec($make, $output, $status);
            self::assertSame(0, $status, implode("\n", $output));
            exec(\sprintf('diff -rq %s %s', escapeshellarg("{$root}/generated"), escapeshellarg($folder)), $differences);
            self::assertSame([], $differences, 'run: composer generate');
        } finally {
            exec('rm -r ' . escapeshellarg($folder));
        }
    }
}
