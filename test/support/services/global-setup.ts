/** Gives the shared services to every test of the `services` project: `inject('services')`. */
import type { TestProject } from 'vitest/node';
import { chooseShared, type Source } from './choose.js';
import { ensureDebianPackages } from './debian.js';
import { thisMachine } from './machine.js';
import { probes } from './probe.js';
import type { Service, ServiceName, ServiceUrls } from './service.js';
import { startFrom } from './start.js';

declare module 'vitest' {
  interface ProvidedContext {
    services: ServiceUrls;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const begun = performance.now();
  const choices = await chooseShared(thisMachine);
  // In one go: apt-get works for one at a time.
  await ensureDebianPackages(choices.flatMap(({ source }) => (source.kind === 'install' ? source.packages : [])));

  const started: Service[] = [];
  const removeAll = async () => {
    await Promise.all(started.map((service) => service.remove()));
  };
  const outcomes = await Promise.allSettled(
    choices.map(async ({ name, source }) => {
      const from = performance.now();
      const url = await serve(name, source, started);
      return { name, url, line: `${name} ${describe(source)} ${seconds(from)}` };
    }),
  );
  const urls: Record<ServiceName, string> = { rabbitmq: '', mysql: '', redis: '' };
  const lines: string[] = [];
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') {
      await removeAll();
      throw outcome.reason;
    }
    urls[outcome.value.name] = outcome.value.url;
    lines.push(outcome.value.line);
  }
  console.error(`✓ services       ${seconds(begun)}  ${lines.join(' · ')}`);
  project.provide('services', urls);
  return removeAll;
}

async function serve(name: ServiceName, source: Source, started: Service[]): Promise<string> {
  if (source.kind === 'url') {
    await probes[name](source.url);
    return source.url;
  }
  const service = await startFrom(name, source);
  started.push(service);
  return service.url;
}

function describe(source: Source): string {
  switch (source.kind) {
    case 'url':
      return 'from the environment';
    case 'container':
      return 'in Docker';
    case 'program':
      return `from ${source.path}`;
    case 'install':
      return 'just installed';
  }
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}
