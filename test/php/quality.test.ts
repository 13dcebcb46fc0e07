import { beforeAll, test } from 'vitest';
import { php, preparePhp } from './php.js';

beforeAll(preparePhp, 900_000);

test('the PHP sources are in one style', { timeout: 120_000 }, async () => {
  await php(['vendor/bin/php-cs-fixer', 'check', '--diff', '--show-progress=none'], { timeoutMs: 110_000 });
});

test('PHPStan finds nothing at its highest level', { timeout: 300_000 }, async () => {
  await php(['vendor/bin/phpstan', 'analyse', '--memory-limit=1G', '--no-progress'], { timeoutMs: 290_000 });
});

test('the package is fit for Packagist', async () => {
  await php(['/usr/bin/composer', 'validate', '--strict', '--no-check-lock']);
});
