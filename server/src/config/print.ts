import type { Loaded } from './load.js';
import { masked } from './mask.js';
import { KEYS } from './schema.js';

/** The effective configuration, one key a line, with where each value comes from; secrets are masked. */
export function printConfig({ config, sources, file }: Pick<Loaded, 'config' | 'sources' | 'file'>): string {
  const lines = KEYS.map((key) => {
    const value = masked(key, String(config[key]));
    return `${key}: ${value === '' ? "''" : value}  # ${sources.get(key) ?? 'default'}`;
  });
  return [`# ${file === undefined ? 'no configuration file' : `configuration file ${file}`}`, ...lines, ''].join('\n');
}
