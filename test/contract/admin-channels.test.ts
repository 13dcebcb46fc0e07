import { describe } from 'vitest';
import { engines } from './engines.js';
import { adminChannels } from './suite/admin-channels.js';

describe.each(engines)('an operator and channels, on the $name engine', adminChannels);
