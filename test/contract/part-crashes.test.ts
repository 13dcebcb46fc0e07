import { describe } from 'vitest';
import { engines } from './engines.js';
import { partCrashes } from './suite/part-crashes.js';

describe.each(engines)('a part on the $name engine', partCrashes);
