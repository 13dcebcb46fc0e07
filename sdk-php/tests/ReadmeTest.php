<?php

declare(strict_types=1);

namespace Waybill\Tests;

use Waybill\Tests\Support\GatewayTestCase;

final class ReadmeTest extends GatewayTestCase
{
    public function testTheRecipesRunOneAfterTheOther(): void
    {
        $blocks = self::recipes();
        self::assertGreaterThan(12, \count($blocks));
        $program = tempnam(sys_get_temp_dir(), 'waybill-php-readme-');
        self::assertIsString($program);
        $autoload = var_export(\dirname(__DIR__) . '/vendor/autoload.php', true);
        $code = implode("\necho PHP_EOL;\n", $blocks);
        // `use` lines must come first: the recipes are one program.
        preg_match_all('/^use [^;]+;$/m', $code, $uses);
        $code = preg_replace('/^use [^;]+;\n/m', '', $code);
        file_put_contents($program, "<?php\n" . implode("\n", array_unique($uses[0])) . "\nrequire {$autoload};\n{$code}");
        try {
            exec(self::command($program), $output, $status);
        } finally {
            unlink($program);
        }
        $said = implode("\n", $output);
        self::assertSame(0, $status, $said);
        self::assertMatchesRegularExpression('/^[0-9a-f-]{36} is Parked$/m', $said);
        self::assertStringContainsString('5000 are durable', $said);
        self::assertStringContainsString('MessageLimit: 1 done, 0 failed', $said);
        self::assertStringContainsString('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', $said);
        self::assertStringContainsString('topic: 1 to 128 characters', $said);
        self::assertStringContainsString('invoices/billing: 0 ready, 0 dead', $said);
    }

    /** @return list<string> */
    private static function recipes(): array
    {
        preg_match_all('/^```php\n(.*?)^```$/ms', (string) file_get_contents(\dirname(__DIR__) . '/README.md'), $blocks);

        return $blocks[1];
    }

    private static function command(string $program): string
    {
        $environment = 'WAYBILL_URL=' . escapeshellarg(self::gateway()->url());

        return "{$environment} " . escapeshellarg(\PHP_BINARY) . ' -d display_errors=stderr -d error_reporting=-1 ' . escapeshellarg($program) . ' 2>&1';
    }
}
