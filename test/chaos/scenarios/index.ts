import type { Scenario } from '../scenario.js';
import { CLUSTER_SCENARIOS } from './cluster.js';
import { GATEWAY_SCENARIOS } from './gateway.js';
import { SERVICE_SCENARIOS } from './service.js';

/** All there are, in the order of the table. */
export const SCENARIOS: readonly Scenario[] = [...GATEWAY_SCENARIOS, ...SERVICE_SCENARIOS, ...CLUSTER_SCENARIOS];
