import { KEYS, type Key, SETTINGS } from './schema.js';
import { GROUPS } from './setting.js';

const HEAD = `# Configuration

<!-- Generated from server/src/config/schema.ts by \`npm run generate:config\`: edit there. -->

Waybill runs without any configuration: the embedded engine, in the file \`waybill.db\`, on 127.0.0.1. With \`AmqpUrl\` set
it uses RabbitMQ, MySQL and Redis.

- The file is YAML, one \`Key: value\` a line. It is the one that \`--config\` names, else the one that \`WAYBILL_CONFIG\` names
  (either must exist), else \`./config.yaml\`, else \`/config.yaml\`.
- Every key is also an environment variable of exactly the same name, and the environment wins.
- A key with an empty value is not set, in the file and in the environment: it keeps its default.
- A key that does not exist, a value of the wrong type or out of range, or a key that stands twice stops the start. All
  problems are listed at once, each with its line. A line of the file that is wrong is an error even where the environment wins.
- A value that starts with a special character, such as a password that starts with \`!\`, \`&\`, \`*\` or \`@\` or holds \` #\`, goes
  in quotes.
- The container image sets \`Host\` and \`DataFile\` in its environment, so there they are changed by variables, not by the file.
- A file of the original event-bus works unchanged, with one line more where clients come from other machines: \`AllowInsecure: true\`, or
  better a way to tell who they are, see [security.md](security.md). Keys that no longer have an effect are accepted, and the log says so once.
- \`PrintConfig: true\` prints what is in effect and where each value comes from. Passwords are masked there, as in every error.
`;

/** \`docs/configuration.md\`. */
export function renderDocs(): string {
  const groups = GROUPS.map((group) => {
    const rows = KEYS.filter((key) => SETTINGS[key].group === group).map(row);
    return [`## ${group}`, '', '| key | default | may be | meaning |', '|---|---|---|---|', ...rows, ''].join('\n');
  });
  return [HEAD, ...groups].join('\n');
}

function row(key: Key): string {
  const { doc, limit, unit, secret, noEffect, default: value } = SETTINGS[key];
  const may = `${limit}${unit === undefined ? '' : `, in ${unit}`}`;
  const meaning = [
    doc,
    ...(secret === undefined ? [] : ['Masked wherever it is printed.']),
    ...(noEffect === undefined ? [] : [`Without effect: ${noEffect}.`]),
  ].join(' ');
  return `| \`${key}\` | ${value === '' ? 'empty' : `\`${value}\``} | ${cell(may)} | ${cell(meaning)} |`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
