import { type Command, Option } from 'commander';
import { NAME } from '../edge/access/credentials-file.js';
import { parseGrant } from '../edge/access/grants.js';
import { RIGHTS, type Right } from '../edge/access/permissions.js';
import { hashOf, newToken } from '../edge/access/token.js';
import { BusError } from '../model/errors.js';
import { CommandError } from './failure.js';
import { type OutputFlags, printJson, printLine } from './output.js';

interface CreateFlags extends OutputFlags, Partial<Record<Right, readonly string[]>> {
  readonly name: string;
  readonly expires?: string;
}

const MEANINGS: Readonly<Record<Right, string>> = {
  publish: 'topics that it may publish to',
  consume: 'topics, or topic/channel, that it may consume',
  read: 'topics, or topic/channel, that it may see',
  admin: 'topics, or topic/channel, that it may see and change',
  locks: 'locks that it may take',
};

export function tokenCommand(program: Command): void {
  const token = program
    .command('token')
    .description('tokens for clients of a gateway that asks for them (config Tokens)');
  const create = token
    .command('create')
    .description(
      'makes a token and says what to put into the file of config Tokens; talks to no gateway, and keeps nothing',
    )
    .requiredOption('--name <name>', 'who brings it: for the audit log, and before the names of its consumers')
    .option('--expires <time>', 'when it ends, such as 2031-05-01T00:00:00Z (default: never)');
  for (const right of RIGHTS) create.addOption(patterns(right));
  create.option('--json', 'answers as JSON').action(createToken);
}

function patterns(right: Right): Option {
  const option = new Option(`--${right} <pattern...>`, `${MEANINGS[right]}: names or patterns (orders.*, #)`);
  return option;
}

function createToken(flags: CreateFlags): void {
  const { name, expires } = flags;
  if (!NAME.test(name)) {
    throw new CommandError('INVALID_ARGUMENT', '--name takes 1 to 32 characters of A-Z a-z 0-9 . _ : @ -');
  }
  if (expires !== undefined && Number.isNaN(Date.parse(expires))) {
    throw new CommandError('INVALID_ARGUMENT', '--expires takes a time such as 2031-05-01T00:00:00Z');
  }
  const given = RIGHTS.filter((right) => flags[right] !== undefined);
  if (given.length === 0) {
    const options = RIGHTS.map((right) => `--${right}`).join(', ');
    throw new CommandError('INVALID_ARGUMENT', `a token without rights is of no use: give one of ${options}`);
  }
  for (const right of given) for (const pattern of flags[right] ?? []) check(right, pattern);
  const token = newToken();
  const entry = {
    name,
    sha256: hashOf(token).toString('hex'),
    ...(expires === undefined ? {} : { expires: new Date(expires).toISOString() }),
    ...Object.fromEntries(given.map((right) => [right, flags[right]])),
  };
  if (flags.json === true) {
    printJson({ token, entry });
    return;
  }
  printLine('The token, which is shown this once:');
  printLine('');
  printLine(`  ${token}`);
  printLine('');
  printLine(
    'Put this below "tokens:" in the file that config Tokens names; a gateway that runs takes it within seconds:',
  );
  printLine('');
  for (const line of entryLines(entry)) printLine(line);
}

/** YAML, which takes JSON's way of writing text and lists. */
function entryLines(entry: object): string[] {
  return Object.entries(entry).map(([key, value], i) => {
    return `${i === 0 ? '  - ' : '    '}${key}: ${key === 'sha256' ? String(value) : JSON.stringify(value)}`;
  });
}

function check(right: Right, pattern: string): void {
  try {
    parseGrant(right, pattern);
  } catch (error) {
    throw new CommandError('INVALID_ARGUMENT', `--${right}: ${BusError.from(error).message}`);
  }
}
