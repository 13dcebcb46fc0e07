import type { Scenario } from '../scenario.js';
import { cancelRacesDelivery } from './cancel-races-delivery.js';
import { clientFrozen } from './client-frozen.js';
import { clockJump } from './clock-jump.js';
import { consumerPaused } from './consumer-paused.js';
import { daylightSaving } from './daylight-saving.js';
import { gatewayDrained } from './gateway-drained.js';
import { gatewayFrozen } from './gateway-frozen.js';
import { gatewayKilled } from './gateway-killed.js';
import { gatewayKilledAt } from './gateway-killed-at.js';
import { outboxOutOfOrder } from './outbox-out-of-order.js';
import { poisonMessage } from './poison-message.js';
import { sqliteDiskFull } from './sqlite-disk-full.js';
import { sqlitePowerLoss } from './sqlite-power-loss.js';

/** What befalls gateways and their clients. */
export const GATEWAY_SCENARIOS: readonly Scenario[] = [
  gatewayKilled,
  ...gatewayKilledAt,
  gatewayFrozen,
  gatewayDrained,
  consumerPaused,
  ...clientFrozen,
  cancelRacesDelivery,
  clockJump,
  daylightSaving,
  poisonMessage,
  outboxOutOfOrder,
  sqliteDiskFull,
  sqlitePowerLoss,
];
