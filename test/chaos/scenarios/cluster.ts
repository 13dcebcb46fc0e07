import type { Scenario } from '../scenario.js';
import { gatewayJoinsAndLeaves } from './gateway-joins-and-leaves.js';
import { gatewaysRollingRestart } from './gateways-rolling-restart.js';
import { rabbitmqNodeFrozen, rabbitmqNodeKilled, rabbitmqPartition, rabbitmqRollingRestart } from './rabbitmq-nodes.js';
import { slowNetwork } from './slow-network.js';
import { tcpResets } from './tcp-resets.js';
import { tcpStalls } from './tcp-stalls.js';

/** What befalls the network, and many nodes at once. */
export const CLUSTER_SCENARIOS: readonly Scenario[] = [
  rabbitmqRollingRestart,
  rabbitmqNodeKilled,
  rabbitmqNodeFrozen,
  rabbitmqPartition,
  gatewaysRollingRestart,
  gatewayJoinsAndLeaves,
  ...tcpResets,
  ...tcpStalls,
  slowNetwork,
];
