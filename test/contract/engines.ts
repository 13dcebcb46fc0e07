import type { Engine, Settings } from '../support/gateway.js';
import { type Bus, clusterBus, embeddedBus } from './bus.js';

/** Real differences between engines. The assertions of the suites are the same for all. */
export interface Features {
  /** How many gateways can be one bus. */
  readonly nodes: number;
}

export interface StartOptions {
  /** As many of them as the engine can have, 1 unless given. */
  readonly nodes?: number;
  readonly settings?: Settings;
  /** The engine's own parts run for this bus alone, and may be killed. */
  readonly breakable?: boolean;
}

/** An engine under test. A new one is added to the list, and every suite runs over it. */
export interface EngineUnderTest {
  readonly name: Engine;
  readonly features: Features;
  /** What can crash by itself, by name: see `Bus.parts`. An engine inside of the gateway names the gateway. */
  readonly parts: readonly string[];
  start(options: StartOptions): Promise<Bus>;
}

export const engines: readonly EngineUnderTest[] = [
  { name: 'embedded', features: { nodes: 1 }, parts: ['gateway'], start: embeddedBus },
  { name: 'cluster', features: { nodes: 3 }, parts: ['rabbitmq', 'mysql', 'redis'], start: clusterBus },
];
