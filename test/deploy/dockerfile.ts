export interface Instruction {
  /** In upper case: `COPY`. */
  readonly name: string;
  /** What follows it, on one line. */
  readonly text: string;
}

/** The instructions of each stage, the last one being the image. */
export function parseStages(dockerfile: string): Instruction[][] {
  const lines = dockerfile
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#') && line.trim() !== '')
    .join('\n')
    .replaceAll(/\\\n\s*/g, '');
  const stages: Instruction[][] = [];
  for (const line of lines.split('\n')) {
    const match = /^([A-Za-z]+)\s+(.*)$/.exec(line);
    if (match === null) throw new Error(`not an instruction: ${line}`);
    const [, name = '', text = ''] = match;
    if (name.toUpperCase() === 'FROM') stages.push([]);
    stages.at(-1)?.push({ name: name.toUpperCase(), text });
  }
  return stages;
}

/** The words of an instruction in exec form; throws when it is in shell form, where signals reach the shell. */
export function execForm(text: string): string[] {
  const words: unknown = JSON.parse(text);
  if (!Array.isArray(words)) throw new Error(`not in exec form: ${text}`);
  return words.map(String);
}
