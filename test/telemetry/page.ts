/** The page of `/metrics`, read. */
export class Page {
  readonly #values = new Map<string, number>();
  readonly types = new Map<string, string>();
  readonly helps = new Map<string, string>();

  static async of(httpUrl: string): Promise<Page> {
    const response = await fetch(`${httpUrl}/metrics`);
    if (response.status !== 200) throw new Error(`/metrics answers ${response.status}`);
    return new Page(await response.text());
  }

  constructor(readonly text: string) {
    for (const line of text.split('\n')) {
      const [, word, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
      if (word !== undefined) (word === 'TYPE' ? this.types : this.helps).set(name, rest);
      else if (line !== '')
        this.#values.set(line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' '))));
    }
  }

  /** Every series, as it is written: `name{label="value"}`. */
  get series(): string[] {
    return [...this.#values.keys()];
  }

  /** Undefined where there is no such series. */
  value(series: string): number | undefined {
    return this.#values.get(series);
  }

  /** The names of all series, without labels. */
  get names(): Set<string> {
    return new Set(this.series.map((series) => series.replace(/\{.*/, '')));
  }
}
