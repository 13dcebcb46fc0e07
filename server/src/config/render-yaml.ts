import { KEYS, type Key, SETTINGS } from './schema.js';
import { GROUPS } from './setting.js';

const HEAD = `# The configuration of Waybill. Every key is here with its default; what is left out or left empty keeps the default.
# Any key is also an environment variable of the same name, which wins.
# This file is generated from server/src/config/schema.ts; your own copy is yours to edit.`;

/** `config.yaml`, with every key at its default. */
export function renderYaml(): string {
  const groups = GROUPS.map((group) => {
    const entries = KEYS.filter((key) => SETTINGS[key].group === group).map(entry);
    return [`# ---- ${group} ----`, ...entries].join('\n\n');
  });
  return `${[HEAD, ...groups].join('\n\n')}\n`;
}

function entry(key: Key): string {
  const { doc, limit, unit, noEffect, default: value } = SETTINGS[key];
  const line = value === '' ? `${key}:` : `${key}: ${value}`;
  const note = noEffect === undefined ? [] : [`# Accepted for old files, without effect: ${noEffect}.`];
  const comment = [`# ${doc}`, ...note, `# May be: ${limit}${unit === undefined ? '' : `, in ${unit}`}.`];
  // A key without effect would be noted at every start.
  return [...comment, noEffect === undefined ? line : `# ${line}`].join('\n');
}
