import { describe } from 'vitest';
import { engines } from './engines.js';
import { neverEarly } from './suite/never-early.js';

describe.each(engines)('never early on the $name engine', neverEarly);
