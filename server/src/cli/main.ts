import { Command } from 'commander';
import { auditCommand } from './audit.js';
import { benchCommand } from './bench.js';
import { channelCommand } from './channel.js';
import { completionCommand } from './completion.js';
import { connectionsCommand } from './connections.js';
import { cronCommand } from './cron.js';
import { deadCommand } from './dead.js';
import { doctorCommand } from './doctor.js';
import { exitCodeOf, failureText } from './failure.js';
import { locksCommand } from './locks.js';
import { messageCommand } from './message.js';
import { nodesCommand } from './nodes.js';
import { pubCommand } from './pub.js';
import { relayCommand } from './relay.js';
import { scheduleCommand } from './schedule.js';
import { serveCommand } from './serve.js';
import { statsCommand } from './stats.js';
import { subCommand } from './sub.js';
import { tailCommand } from './tail.js';
import { tokenCommand } from './token.js';
import { topicCommand } from './topic.js';

const COMMANDS = [
  serveCommand,
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

const program = new Command('waybill').description('A gRPC message bus: publish and consume from any language.');
for (const add of COMMANDS) add(program);

let json = false;
program.hook('preAction', (_, action) => {
  json = action.opts().json === true;
});
// Whoever reads the first lines only (`| head`) ends the rest.
process.stdout.on('error', (error) => {
  if ('code' in error && error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${failureText(error, json)}\n`);
  process.exitCode = exitCodeOf(error);
}
