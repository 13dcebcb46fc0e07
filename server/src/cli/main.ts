import { WaybillError } from '@waybill/sdk';
import { Command } from 'commander';
import { ConfigError } from '../config/problem.js';
import { StartError } from '../model/errors.js';
import { benchCommand } from './bench.js';
import { pubCommand } from './pub.js';
import { relayCommand } from './relay.js';
import { serveCommand } from './serve.js';
import { subCommand } from './sub.js';

const program = new Command('waybill').description('A gRPC message bus: publish and consume from any language.');
for (const add of [serveCommand, pubCommand, subCommand, relayCommand, benchCommand]) add(program);

try {
  await program.parseAsync();
} catch (error) {
  // What a person can mend is told in words; a fault of ours with its stack.
  const known = error instanceof ConfigError || error instanceof StartError || error instanceof WaybillError;
  process.stderr.write(
    `${error instanceof Error ? (known ? error.message : (error.stack ?? error.message)) : String(error)}\n`,
  );
  process.exitCode = 1;
}
