import { listenHost } from '../config/engine.js';
import { load } from '../config/load.js';
import { probe } from '../edge/http/probe.js';

/** The health check of a container: exits with 0 when the gateway with this configuration lives, else with 1. Needs no curl. */
try {
  const { config } = load();
  await probe(listenHost(config), config.HttpPort, config.TlsCert !== '');
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
