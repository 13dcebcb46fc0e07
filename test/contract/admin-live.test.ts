import { describe } from 'vitest';
import { engines } from './engines.js';
import { adminLive } from './suite/admin-live.js';

describe.each(engines)('an operator, locks and connections, on the $name engine', adminLive);
