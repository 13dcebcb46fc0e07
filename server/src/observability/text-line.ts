/** A line of JSON as a person reads it: time, level, words, then the fields. Always one line, whatever the fields hold. */
export function textLine(json: string): string {
  const parsed: unknown = JSON.parse(json);
  if (typeof parsed !== 'object' || parsed === null) return json;
  const fields = new Map<string, unknown>(Object.entries(parsed));
  const take = (name: string) => {
    const value = fields.get(name);
    fields.delete(name);
    return typeof value === 'string' ? plain(value) : '';
  };
  const head = `${take('time')} ${take('level').toUpperCase().padEnd(5)} ${take('msg')}`;
  fields.delete('pid');
  return `${[head, ...Array.from(fields, ([name, value]) => `${name}=${text(value)}`)].join(' ')}\n`;
}

function text(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=\p{C}]+$/u.test(value) ? value : plain(JSON.stringify(value));
}

/** Control characters would break the line, or drive the terminal. */
function plain(value: string): string {
  return value.replace(/\p{Cc}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
