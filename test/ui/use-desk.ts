import type { Browser } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { startChromium } from '../support/chromium.js';
import { BusClient } from '../support/client.js';
import { type Engine, type Gateway, type GatewayGroup, gatewayGroup, type Settings } from '../support/gateway.js';
import { Operator } from './operator.js';

export const ENGINES: readonly Engine[] = ['embedded', 'cluster'];

/** One gateway, somebody who uses the bus, and an operator before the web UI. */
export interface Desk {
  readonly gateway: Gateway;
  readonly client: BusClient;
  readonly operator: Operator;
}

/** Chromium for the tests of a file. */
export function useBrowser(): () => Browser {
  let browser: Browser | undefined;
  beforeAll(async () => {
    browser = await startChromium();
  });
  afterAll(() => browser?.close());
  return () => running(browser);
}

/** A desk for the tests of a `describe`. */
export function useDesk(engine: Engine, browser: () => Browser, settings: Settings = {}): () => Desk {
  let group: GatewayGroup | undefined;
  let client: BusClient | undefined;
  let desk: Desk | undefined;
  beforeAll(async () => {
    group = await gatewayGroup(engine);
    const gateway = await group.start(settings);
    client = new BusClient(gateway.rpcUrl);
    desk = { gateway, client, operator: await Operator.at(gateway, browser()) };
  });
  afterAll(async () => {
    client?.close();
    await desk?.operator.leave();
    await group?.remove();
  });
  return () => running(desk);
}

function running<T>(what: T | undefined): T {
  if (what === undefined) throw new Error('it does not run yet');
  return what;
}
