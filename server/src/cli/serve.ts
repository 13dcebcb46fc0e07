import type { Command } from 'commander';
import type { ServeFlags } from './run-gateway.js';

export function serveCommand(program: Command): void {
  program
    .command('serve')
    .description('run a gateway')
    .option('-c, --config <file>', 'configuration file (default: $WAYBILL_CONFIG, ./config.yaml, /config.yaml)')
    .action(async (flags: ServeFlags) => {
      // Loaded by this command alone: the others call a gateway, and start in half the time without one.
      const { runGateway } = await import('./run-gateway.js');
      await runGateway(flags);
    });
}
