/** Ways to look at the bytes of a body. */
export type BodyForm = 'json' | 'text' | 'hex';

const HEX_WIDTH = 16;
const strict = new TextDecoder('utf-8', { fatal: true });

/** The form that says most: JSON where it is, text where it is, else bytes. */
export function bestForm(body: Uint8Array): BodyForm {
  const text = asText(body);
  if (text === undefined) return 'hex';
  return asJson(text) === undefined ? 'text' : 'json';
}

/** Undefined when the bytes are no UTF-8, or hold what no text holds. */
export function asText(body: Uint8Array): string | undefined {
  try {
    const text = strict.decode(body);
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}

/** Indented; undefined when it is no JSON object or list. Long numbers stay as they are written. */
export function asJson(text: string): string | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  return indent(text);
}

/** Only spaces change: a parse and print would round numbers past 2^53. */
function indent(text: string): string {
  let depth = 0;
  let out = '';
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g)) {
    if (token === '{' || token === '[') {
      depth++;
      out += token + line(depth);
    } else if (token === '}' || token === ']') {
      depth--;
      const before = out.trimEnd();
      out = /[{[]$/.test(before) ? before + token : before + line(depth) + token;
    } else if (token === ',') {
      out += `,${line(depth)}`;
    } else {
      out += token === ':' ? ': ' : token;
    }
  }
  return out;
}

function line(depth: number): string {
  return `\n${'  '.repeat(depth)}`;
}

/** `00000000  68 65 6c 6c 6f …  hello`, as hexdump writes it. */
export function asHex(body: Uint8Array): string {
  const lines: string[] = [];
  for (let start = 0; start < body.length; start += HEX_WIDTH) {
    const row = body.subarray(start, start + HEX_WIDTH);
    const hex = [...row].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = [...row].map((byte) => (byte > 0x1f && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${start.toString(16).padStart(8, '0')}  ${hex.padEnd(HEX_WIDTH * 3 - 1)}  ${text}`);
  }
  return lines.join('\n');
}
