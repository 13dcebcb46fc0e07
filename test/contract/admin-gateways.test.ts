import { describe } from 'vitest';
import { engines } from './engines.js';
import { adminGateways } from './suite/admin-gateways.js';

describe.each(engines)('an operator and gateways, on the $name engine', adminGateways);
