import { Argument, type Command } from 'commander';

type Shell = 'bash' | 'zsh' | 'fish';
const SHELLS: readonly Shell[] = ['bash', 'zsh', 'fish'];

/** What may follow: the words of one level, by the words before it (`''`, `topic`, `topic list`). */
type Words = ReadonlyMap<string, readonly string[]>;

export function completionCommand(program: Command): void {
  program
    .command('completion')
    .description('print a script that completes commands and options: source <(waybill completion bash)')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .action((shell: Shell) => {
      process.stdout.write(completionScript(program, shell));
    });
}

export function completionScript(program: Command, shell: Shell): string {
  const words = wordsOf(program);
  switch (shell) {
    case 'bash':
      return bash(words);
    case 'zsh':
      return `#compdef waybill\nautoload -U +X bashcompinit && bashcompinit\n${bash(words)}`;
    case 'fish':
      return fish(words);
  }
}

function wordsOf(program: Command): Words {
  const words = new Map<string, readonly string[]>();
  const visit = (command: Command, path: string) => {
    const options = command.options.flatMap(({ long, hidden }) => (long && !hidden ? [long] : []));
    words.set(path, [...command.commands.map((each) => each.name()), ...options, '--help']);
    for (const child of command.commands) visit(child, path === '' ? child.name() : `${path} ${child.name()}`);
  };
  visit(program, '');
  words.set('completion', [...SHELLS, '--help']);
  return words;
}

/** The longest known path of the words before the cursor says what may follow. */
function bash(words: Words): string {
  const cases = Array.from(words, ([path, next]) => `      '${path}') next='${next.join(' ')}' ;;`);
  const known = Array.from(words.keys(), (path) => `'${path}'`).filter((path) => path !== "''");
  return [
    '_waybill() {',
    '  local path="" word at next=""',
    '  for ((at = 1; at < COMP_CWORD; at++)); do',
    `    word="\${COMP_WORDS[at]}"`,
    `    case "\${path:+$path }$word" in`,
    `      ${known.join('|')}) path="\${path:+$path }$word" ;;`,
    '    esac',
    '  done',
    '  case "$path" in',
    ...cases,
    '  esac',
    `  COMPREPLY=($(compgen -W "$next" -- "\${COMP_WORDS[COMP_CWORD]}"))`,
    '}',
    'complete -o default -F _waybill waybill',
    '',
  ].join('\n');
}

function fish(words: Words): string {
  const lines = ['complete -c waybill -f'];
  for (const [path, next] of words) {
    const parts = path === '' ? [] : path.split(' ');
    const children = next.filter((word) => !word.startsWith('-'));
    const on = parts.map((part) => `__fish_seen_subcommand_from ${part}`);
    const off = children.length === 0 ? [] : [`not __fish_seen_subcommand_from ${children.join(' ')}`];
    const when = [...on, ...off].join('; and ');
    const given = when === '' ? '' : ` -n '${when}'`;
    if (children.length > 0) lines.push(`complete -c waybill${given} -a '${children.join(' ')}'`);
    for (const option of next)
      if (option.startsWith('--')) lines.push(`complete -c waybill${given} -l ${option.slice(2)}`);
  }
  return `${lines.join('\n')}\n`;
}
