import { describe } from 'vitest';
import { engines } from './engines.js';
import { adminSearch } from './suite/admin-search.js';

describe.each(engines)('an operator who looks for a message, on the $name engine', adminSearch);
