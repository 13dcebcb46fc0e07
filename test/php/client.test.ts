import { beforeAll, expect, test } from 'vitest';
import { php, phpunit, preparePhp } from './php.js';

beforeAll(preparePhp, 900_000);

test('the PHP client keeps its contract with the wire', { timeout: 600_000 }, async () => {
  expect(await phpunit('client', { timeoutMs: 590_000 })).toBeGreaterThan(50);
});

/** Answers why the libcurl of this machine is refused; empty when it is not. */
const REFUSAL = `
require 'vendor/autoload.php';
try {
    Waybill\\Client::connect(new Waybill\\ConnectOptions(transport: Waybill\\Transport\\Kind::Curl));
} catch (Waybill\\Exception\\InvalidArgumentException $refused) {
    echo $refused->getMessage();
}`;

test('the curl transport keeps it too where libcurl is sound, and says so where it is not', {
  timeout: 600_000,
}, async () => {
  const refusal = await php(['-r', REFUSAL]);
  if (refusal === '') expect(await phpunit('client', { group: 'curl', timeoutMs: 590_000 })).toBeGreaterThan(20);
  else expect(refusal).toMatch(/^transport is curl: it takes stream, as this libcurl, [\d.]+, breaks HTTP\/2/);
});
