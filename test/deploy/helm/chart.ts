import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { ROOT, runTool } from '../../compat/tools.js';
import { tempFolder } from '../../support/reaper.js';
import { ensureDebianPackages } from '../../support/services.js';

export const CHART = `${ROOT}/deploy/helm/waybill`;

const PACKAGES = ['golang-go', 'golang-github-masterminds-sprig-dev', 'golang-k8s-sigs-yaml-dev'];
const LIBRARIES = '/usr/share/gocode';
const BUILD_CACHE = join(tmpdir(), 'waybill-test-go-build');

export type Values = { readonly [key: string]: unknown };

/** One object of Kubernetes, as far as tests look at it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly spec: Values;
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
}

/**
 * The chart, rendered by the parts that Helm is made of: Go's templates and sprig. What Helm itself does beyond them is done here:
 * values are laid over the chart's own.
 */
export class Chart {
  readonly defaults: Values = parse(readFileSync(`${CHART}/values.yaml`, 'utf8'));
  readonly #program: string;
  readonly #folder: { readonly path: string; remove(): void };

  static async prepare(): Promise<Chart> {
    await ensureDebianPackages(PACKAGES);
    const folder = tempFolder('helm');
    const program = join(folder.path, 'render');
    const env = { GO111MODULE: 'off', GOPATH: `${folder.path}:${LIBRARIES}`, GOCACHE: BUILD_CACHE, GOFLAGS: '-p=2' };
    await runTool('/usr/bin/go', ['build', '-o', program, `${ROOT}/test/deploy/helm/render.go`], { env });
    return new Chart(program, folder);
  }

  private constructor(program: string, folder: { readonly path: string; remove(): void }) {
    this.#program = program;
    this.#folder = folder;
  }

  remove(): void {
    this.#folder.remove();
  }

  /** The text of each template. */
  async render(values: Values): Promise<Record<string, string>> {
    const { name, version, appVersion } = parse(readFileSync(`${CHART}/Chart.yaml`, 'utf8'));
    const input = {
      Values: laidOver(this.defaults, values),
      Release: { Name: 'bus', Namespace: 'messages', Service: 'Helm' },
      Chart: { Name: name, Version: version, AppVersion: appVersion },
    };
    return JSON.parse(await this.#run(JSON.stringify(input)));
  }

  /** Everything that would be sent to Kubernetes. */
  async manifests(values: Values): Promise<Manifest[]> {
    const texts = await this.render(values);
    return Object.entries(texts)
      .filter(([file]) => file.endsWith('.yaml'))
      .flatMap(([file, text]) =>
        parseAllDocuments(text).flatMap((document): Manifest[] => {
          if (document.errors.length > 0) throw new Error(`${file}: ${document.errors[0]?.message}\n${text}`);
          const manifest: Manifest | null = document.toJS();
          return manifest === null ? [] : [manifest];
        }),
      );
  }

  #run(input: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const child = execFile(this.#program, [CHART], (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(stderr));
      });
      child.stdin?.end(input);
    });
  }
}

export function laidOver(below: Values, above: Values): Values {
  const merged: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const under = merged[key];
    merged[key] = isMap(under) && isMap(value) ? laidOver(under, value) : value;
  }
  return merged;
}

function isMap(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
