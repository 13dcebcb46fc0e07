import type { DescEnum, DescMessage, MessageShape } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';

export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [name: string]: Plain };

/**
 * A message of the contract as `--json` prints it: its fields in camel case, always all of them; 64-bit numbers as numbers (all
 * are times or counts), enums as the word (`acked`), bytes as text, or where they are none as base64 under `<name>Base64`;
 * null for what is absent.
 */
export function plain<T extends DescMessage>(desc: T, message: MessageShape<T>): { readonly [name: string]: Plain } {
  return fieldsOf(reflect(desc, message));
}

/** `MESSAGE_STATE_ACKED` is `acked`. */
export function wordOf(desc: DescEnum, number: number): string {
  const name = desc.value[number]?.name ?? String(number);
  return name.slice(desc.sharedPrefix?.length ?? 0).toLowerCase();
}

function fieldsOf(message: ReflectMessage): { readonly [name: string]: Plain } {
  const fields: Record<string, Plain> = {};
  for (const field of message.fields) {
    const { localName } = field;
    if (field.fieldKind === 'list') {
      const values: Plain[] = [];
      for (const value of message.get(field))
        values.push(plainValue(value, field.listKind === 'enum' ? field.enum : undefined));
      fields[localName] = values;
    } else if (field.fieldKind === 'map') {
      const entries: Record<string, Plain> = {};
      for (const [key, value] of message.get(field)) entries[String(key)] = plainValue(value, undefined);
      fields[localName] = entries;
    } else if (field.presence === FeatureSet_FieldPresence.EXPLICIT && !message.isSet(field)) {
      fields[localName] = null;
    } else {
      const value: unknown = message.get(field);
      const isText = !(value instanceof Uint8Array) || Buffer.from(Buffer.from(value).toString()).equals(value);
      const word = field.fieldKind === 'enum' ? field.enum : undefined;
      if (isText) fields[localName] = plainValue(value, word);
      else fields[`${localName}Base64`] = Buffer.from(value).toString('base64');
    }
  }
  return fields;
}

function plainValue(value: unknown, words: DescEnum | undefined): Plain {
  if (typeof value === 'number') return words === undefined ? value : wordOf(words, value);
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  return isMessage(value) ? fieldsOf(value) : null;
}

function isMessage(value: unknown): value is ReflectMessage {
  return typeof value === 'object' && value !== null && 'desc' in value && 'fields' in value && 'isSet' in value;
}
