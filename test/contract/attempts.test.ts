import { describe } from 'vitest';
import { engines } from './engines.js';
import { attempts } from './suite/attempts.js';

describe.each(engines)('attempts on the $name engine', attempts);
