import { describe } from 'vitest';
import { engines } from './engines.js';
import { adminMessages } from './suite/admin-messages.js';

describe.each(engines)('an operator and messages, on the $name engine', adminMessages);
