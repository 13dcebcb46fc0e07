import { describe } from 'vitest';
import { engines } from './engines.js';
import { atLeastOnce } from './suite/at-least-once.js';

describe.each(engines)('at least once on the $name engine', atLeastOnce);
