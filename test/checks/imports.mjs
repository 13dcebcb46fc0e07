/**
 * The one direction of imports: edge, workers -> bus -> ports <- adapters; everybody may use model.
 *
 * The graph is the compiler's own (`--explainFiles`), so type-only imports and re-exports count too.
 * dependency-cruiser cannot read it: it needs the JavaScript API that TypeScript 7 no longer has.
 */
import { StepFailure, tool } from '../../deploy/step.mjs';

/** What a layer of server/src may import besides itself. A layer that is not named here may import all but adapters. */
const MAY_IMPORT = {
  model: [],
  ports: ['model'],
  bus: ['ports', 'model'],
  adapters: ['ports', 'model'],
  workers: ['bus', 'ports', 'model'],
  edge: ['bus', 'ports', 'model'],
  config: ['model'],
  observability: ['ports', 'model'],
};
const COMPOSITION_ROOT = 'server/src/app.ts';
const SHARED_BY_ADAPTERS = 'sqlite';

export async function importRules() {
  const edges = [];
  for (const project of ['sdk-ts', 'server']) {
    const listing = await tool('typescript/bin/tsc', ['--noEmit', '--noCheck', '--explainFiles', '-p', project]);
    edges.push(...importsIn(listing));
  }
  const faults = [...violations(edges), ...cycles(edges)];
  if (faults.length > 0) throw new StepFailure(faults.join('\n'));
  return `${edges.length} imports`;
}

/** The listing names a file, then indented below it everybody who imports it. */
export function importsIn(listing) {
  const edges = [];
  let file = '';
  for (const line of listing.split('\n')) {
    if (!line.startsWith(' ')) {
      file = line.trim();
      continue;
    }
    const importer = /^\s+Imported via ['"].*['"] from file '([^']+)'/.exec(line)?.[1];
    if (importer && isOurs(file) && isOurs(importer)) edges.push({ from: importer, to: file });
  }
  return edges;
}

export function violations(edges) {
  const faults = [];
  for (const { from, to } of edges) {
    const reason = whyForbidden(from, to);
    if (reason) faults.push(`${from} must not import ${to}: ${reason}`);
  }
  return [...new Set(faults)];
}

function whyForbidden(from, to) {
  if (from.startsWith('sdk-ts/')) return to.startsWith('server/') ? 'the SDK knows only the wire' : undefined;
  if (!from.startsWith('server/src/') || !to.startsWith('server/src/') || from.endsWith('.test.ts')) return undefined;
  const [layer, folder] = layerOf(from);
  const [target, targetFolder] = layerOf(to);
  if (target === 'adapters' && layer !== 'adapters') {
    return from === COMPOSITION_ROOT ? undefined : `only ${COMPOSITION_ROOT} knows the adapters`;
  }
  if (target === layer) {
    const apart = layer === 'adapters' && targetFolder !== folder && targetFolder !== SHARED_BY_ADAPTERS;
    return apart ? `an adapter shares nothing with its siblings but adapters/${SHARED_BY_ADAPTERS}` : undefined;
  }
  const allowed = MAY_IMPORT[layer];
  if (!allowed || allowed.includes(target)) return undefined;
  return allowed.length > 0 ? `${layer} may import ${allowed.join(', ')}` : `${layer} imports only itself`;
}

/** `server/src/adapters/broker-sqlite/broker.ts` gives `['adapters', 'broker-sqlite']`. */
function layerOf(path) {
  return path.slice('server/src/'.length).split('/');
}

export function cycles(edges) {
  const next = new Map();
  for (const { from, to } of edges) next.set(from, [...(next.get(from) ?? []), to]);
  const found = [];
  const done = new Set();
  const visit = (file, trail) => {
    const begin = trail.indexOf(file);
    if (begin >= 0) {
      found.push(`import cycle: ${[...trail.slice(begin), file].join(' -> ')}`);
      return;
    }
    if (done.has(file)) return;
    for (const to of next.get(file) ?? []) visit(to, [...trail, file]);
    done.add(file);
  };
  for (const file of next.keys()) visit(file, []);
  return found;
}

function isOurs(path) {
  return /^(server|sdk-ts)\/(src|dist)\//.test(path);
}
