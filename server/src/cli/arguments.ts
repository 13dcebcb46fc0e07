import { InvalidArgumentError } from 'commander';

/** A whole number from `min` on, for commander. */
export function atLeast(min: number) {
  return (text: string): number => {
    const number = Number(text);
    if (!Number.isSafeInteger(number) || number < min)
      throw new InvalidArgumentError(`It takes a whole number from ${min}.`);
    return number;
  };
}

/** `name=value`, gathered over all times that the option is given. */
export function header(text: string, headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It takes name=value.');
  return { ...headers, [text.slice(0, at)]: text.slice(at + 1) };
}
