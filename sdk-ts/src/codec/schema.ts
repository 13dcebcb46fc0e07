import { jsonText } from '../body.js';
import { UnrecoverableError } from '../consumer/handler-errors.js';
import { InvalidArgumentError } from '../errors.js';
import type { Codec } from './codec.js';
import { JSON_TYPE, parseJson } from './json.js';
import type { SchemaIssue, SchemaResult, StandardSchema } from './standard-schema.js';

/** The most issues that an error names. */
const TOLD = 5;

/**
 * JSON that a validator has approved. What is sent is the value as it was given: defaults and transforms are applied to what arrives,
 * so what the schema takes must be something that JSON holds (a date is a text there).
 */
export function schemaCodec<In, Out>(schema: StandardSchema<In, Out>): Codec<In, Out> {
  const { validate } = schema['~standard'];
  return {
    contentType: JSON_TYPE,
    encode(value) {
      const result = validate(value);
      return result instanceof Promise ? result.then((awaited) => sent(value, awaited)) : sent(value, result);
    },
    decode(body) {
      const result = validate(parseJson(body));
      return result instanceof Promise ? result.then(arrived) : arrived(result);
    },
  };
}

function sent(value: unknown, { issues }: SchemaResult<unknown>): string {
  if (issues === undefined) return jsonText(value);
  const [first] = issues;
  throw new InvalidArgumentError(told(issues), {
    code: 'INVALID_ARGUMENT',
    reason: 'BODY_INVALID',
    field: first === undefined ? 'value' : placeOf(first),
    limit: first?.message,
  });
}

function arrived<Out>(result: SchemaResult<Out>): Out {
  if (result.issues === undefined) return result.value;
  throw new UnrecoverableError(`invalid payload: ${told(result.issues)}`);
}

function told(issues: readonly SchemaIssue[]): string {
  const first = issues.slice(0, TOLD).map((issue) => `${placeOf(issue)}: ${issue.message}`);
  if (issues.length > TOLD) first.push(`and ${issues.length - TOLD} more`);
  return first.join('; ');
}

/** `value.items[0].price`. */
function placeOf({ path = [] }: SchemaIssue): string {
  let place = 'value';
  for (const segment of path) {
    const key = typeof segment === 'object' ? segment.key : segment;
    place += typeof key === 'number' ? `[${key}]` : `.${String(key)}`;
  }
  return place;
}
