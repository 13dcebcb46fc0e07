import type { AuditLog } from '../../ports/audit-log.js';
import type { Backlogs } from '../../ports/backlogs.js';
import type { Broker } from '../../ports/broker.js';
import type { Clock } from '../../ports/clock.js';
import type { CronBook } from '../../ports/cron.js';
import type { Inspector } from '../../ports/inspector.js';
import type { Ledger } from '../../ports/ledger.js';
import type { Logger } from '../../ports/logger.js';
import type { NodeBoard } from '../../ports/node-board.js';
import type { Operator } from '../../ports/operator.js';
import type { Queues } from '../../ports/queues.js';
import type { Bus } from '../bus.js';
import { NonceSource } from '../ids.js';
import { Audit } from './audit.js';
import { ChannelDesk } from './channel-desk.js';
import { CronDesk } from './cron-desk.js';
import { DeadDesk } from './dead-desk.js';
import { Depths } from './depths.js';
import { MessageDesk } from './message-desk.js';
import { type GatewayFacts, type NodeFacts, Nodes } from './nodes.js';
import { DepthReadings } from './readings.js';
import { Stats } from './stats.js';
import { TopicDesk } from './topic-desk.js';

export interface AdminParts {
  readonly broker: Broker;
  readonly ledger: Ledger;
  readonly queues: Queues;
  readonly inspector: Inspector;
  readonly backlogs: Backlogs;
  readonly operator: Operator;
  readonly auditLog: AuditLog;
  readonly cron: CronBook;
  readonly nodes: NodeBoard;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What an operator sees and does, a desk for each kind of thing. */
export class Admin {
  readonly topics: TopicDesk;
  readonly channels: ChannelDesk;
  readonly messages: MessageDesk;
  readonly dead: DeadDesk;
  readonly cron: CronDesk;
  readonly nodes: Nodes;
  readonly stats: Stats;
  readonly readings: DepthReadings;
  readonly audit: Audit;

  constructor(parts: AdminParts, bus: Bus, facts: NodeFacts, gateway: GatewayFacts) {
    const { queues } = parts;
    const shared = { ...parts, bus, nonces: new NonceSource(), termsOf: bus.termsOf };
    const depths = new Depths(shared);
    this.nodes = new Nodes({ ...shared, ...gateway, board: parts.nodes, facts });
    this.channels = new ChannelDesk({ ...shared, nodes: this.nodes, depths });
    this.topics = new TopicDesk({ ...shared, channels: this.channels });
    this.messages = new MessageDesk(shared);
    this.dead = new DeadDesk({ ...shared, depths });
    this.cron = new CronDesk(shared);
    this.stats = new Stats({ ...shared, nodes: this.nodes, depths });
    this.readings = new DepthReadings({ ...shared, nodes: this.nodes, depths });
    this.audit = new Audit({ ...shared, node: facts.name });
    // Its queue must not be made again when the broker comes back.
    bus.channels.onGone((channel) => queues.forget(channel));
  }
}
