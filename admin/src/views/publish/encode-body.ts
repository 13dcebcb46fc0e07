export type BodyKind = 'text' | 'json' | 'base64' | 'hex';

export interface Encoded {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What is wrong with the text; empty when nothing is. */
  readonly fault: string;
}

const NOTHING = new Uint8Array();

/** The bytes that a text of this kind stands for. */
export function encodeBody(text: string, kind: BodyKind): Encoded {
  switch (kind) {
    case 'text':
      return { bytes: new TextEncoder().encode(text), fault: '' };
    case 'json':
      try {
        JSON.parse(text);
        return { bytes: new TextEncoder().encode(text), fault: '' };
      } catch (error) {
        return { bytes: NOTHING, fault: `Not JSON: ${error instanceof Error ? error.message : 'it cannot be read'}.` };
      }
    case 'base64':
      try {
        const binary = atob(text.trim().replaceAll('-', '+').replaceAll('_', '/'));
        return { bytes: Uint8Array.from(binary, (char) => char.charCodeAt(0)), fault: '' };
      } catch {
        return { bytes: NOTHING, fault: 'Not base64.' };
      }
    case 'hex': {
      const digits = text.replace(/\s+/g, '');
      if (!/^([0-9a-f]{2})*$/i.test(digits))
        return { bytes: NOTHING, fault: 'Two digits of 0-9 and a-f for each byte.' };
      return { bytes: Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)), fault: '' };
    }
  }
}
