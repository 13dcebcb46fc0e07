import type { Known } from '../../ports/dedupe.js';

/**
 * What is known of the ids of one block, as a text that only grows: `b0-31;a0-31;` says that the numbers 0 to 31 were begun,
 * and then accepted. A text is the one thing that Redis can add to in one step without reading it.
 */
export const BEGUN = 'b';
export const ACCEPTED = 'a';

const CODE_A = 97;
const CODE_DASH = 45;
const CODE_SEMICOLON = 59;
const CODE_0 = 48;

/** The text for numbers, which are made runs: `b3-7;b9;`. Sorts its argument. */
export function formatRanges(kind: typeof BEGUN | typeof ACCEPTED, numbers: number[]): string {
  numbers.sort((a, b) => a - b);
  let text = '';
  for (let index = 0; index < numbers.length; index++) {
    const low = numbers[index] ?? 0;
    let high = low;
    while (index + 1 < numbers.length && (numbers[index + 1] ?? 0) <= high + 1) high = numbers[++index] ?? high;
    text += high === low ? `${kind}${low};` : `${kind}${low}-${high};`;
  }
  return text;
}

/**
 * What the text says about each of the numbers. One pass over the text, without making strings: it may have thousands of
 * ranges, and is read on every publish of a block.
 */
export function readRanges(text: string, numbers: readonly number[]): Known[] {
  const known: Known[] = new Array(numbers.length).fill('new');
  for (let at = 0; at < text.length; at++) {
    const accepted = text.charCodeAt(at++) === CODE_A;
    let low = 0;
    let high = -1;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === CODE_SEMICOLON) break;
      if (code === CODE_DASH) high = 0;
      else if (high === -1) low = low * 10 + code - CODE_0;
      else high = high * 10 + code - CODE_0;
    }
    if (high === -1) high = low;
    for (let index = 0; index < numbers.length; index++) {
      const number = numbers[index] ?? -1;
      if (number < low || number > high) continue;
      if (accepted) known[index] = 'accepted';
      else if (known[index] === 'new') known[index] = 'begun';
    }
  }
  return known;
}
