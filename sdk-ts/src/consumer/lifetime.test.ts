import { describe, expect, it, onTestFinished } from 'vitest';
import { ClosedError } from '../errors.js';
import { Lifetime } from './lifetime.js';

const REFUSED = new Error('the channel is another');

function warned(): { readonly all: Error[] } {
  const all: Error[] = [];
  const listen = (warning: Error) => all.push(warning);
  process.on('warning', listen);
  onTestFinished(() => {
    process.off('warning', listen);
  });
  return { all };
}

/** Warnings and errors of listeners come after the work at hand. */
const soon = () => new Promise((resolve) => setImmediate(resolve));

describe('a subscription that is refused', () => {
  it('is neither ready nor closed in peace, and its listener is told', async () => {
    const warnings = warned();
    const told: unknown[] = [];
    const lifetime = new Lifetime({ onError: (...all) => told.push(all) }, () => {});
    lifetime.refused(REFUSED);
    await expect(lifetime.ready).rejects.toBe(REFUSED);
    await expect(lifetime.closed).rejects.toBe(REFUSED);
    expect(told).toEqual([[REFUSED, undefined]]);
    await soon();
    expect(warnings.all).toEqual([]);
  });

  it('is a process warning where nobody listens', async () => {
    const warnings = warned();
    new Lifetime({}, () => {}).refused(REFUSED);
    await soon();
    expect(warnings.all).toEqual([REFUSED]);
  });
});

it('one that ends before it was ready never gets so, and is closed in peace', async () => {
  const lifetime = new Lifetime({}, () => {});
  const why = new ClosedError('the subscription was stopped');
  lifetime.ended(why);
  await expect(lifetime.ready).rejects.toBe(why);
  await lifetime.closed;
});

it('its signal stops it while it lasts, and no longer', async () => {
  let stops = 0;
  const controllers = [new AbortController(), new AbortController()] as const;
  const [first, second] = controllers.map(({ signal }) => new Lifetime({ signal }, () => stops++));
  controllers[0].abort();
  expect(stops).toBe(1);
  first?.ended(new ClosedError('the signal'));
  second?.ended(new ClosedError('stopped'));
  await second?.closed;
  await soon();
  controllers[1].abort();
  expect(stops).toBe(1);
});

it("a listener's own fault goes where uncaught errors go, and stops nothing", async () => {
  const fault = new Error('the listener failed');
  const uncaught = new Promise<unknown>((resolve) => process.setUncaughtExceptionCaptureCallback(resolve));
  onTestFinished(() => process.setUncaughtExceptionCaptureCallback(null));
  const onError = () => {
    throw fault;
  };
  new Lifetime({ onError }, () => {}).report(new Error('a handler failed'));
  expect(await uncaught).toBe(fault);
});
