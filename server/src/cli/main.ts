import { Command } from 'commander';
import { serveCommand } from './serve.js';

const program = new Command('waybill').description('A gRPC message bus: publish and consume from any language.');
serveCommand(program);
// A gateway runs for months, and shall not carry what the other commands need: they took megabytes of its memory.
if (process.argv[2] !== 'serve') {
  const { COMMANDS } = await import('./commands.js');
  for (const add of COMMANDS) add(program);
}

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
  const { exitCodeOf, failureText } = await import('./failure.js');
  process.stderr.write(`${failureText(error, json)}\n`);
  process.exitCode = exitCodeOf(error);
}
