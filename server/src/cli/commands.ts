import { auditCommand } from './audit.js';
import { benchCommand } from './bench.js';
import { channelCommand } from './channel.js';
import { completionCommand } from './completion.js';
import { connectionsCommand } from './connections.js';
import { cronCommand } from './cron.js';
import { deadCommand } from './dead.js';
import { doctorCommand } from './doctor.js';
import { locksCommand } from './locks.js';
import { messageCommand } from './message.js';
import { nodesCommand } from './nodes.js';
import { pubCommand } from './pub.js';
import { relayCommand } from './relay.js';
import { scheduleCommand } from './schedule.js';
import { statsCommand } from './stats.js';
import { subCommand } from './sub.js';
import { tailCommand } from './tail.js';
import { tokenCommand } from './token.js';
import { topicCommand } from './topic.js';

/** All but `serve`, in the order in which they are listed. */
export const COMMANDS = [
  pubCommand,
  subCommand,
  tailCommand,
  topicCommand,
  channelCommand,
  messageCommand,
  deadCommand,
  scheduleCommand,
  cronCommand,
  nodesCommand,
  connectionsCommand,
  locksCommand,
  statsCommand,
  auditCommand,
  tokenCommand,
  doctorCommand,
  relayCommand,
  benchCommand,
  completionCommand,
];
