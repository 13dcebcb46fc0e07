import { describe } from 'vitest';
import { engines } from './engines.js';
import { adminChanges } from './suite/admin-changes.js';

describe.each(engines)('an operator who changes a message, on the $name engine', adminChanges);
