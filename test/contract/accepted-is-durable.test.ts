import { describe } from 'vitest';
import { engines } from './engines.js';
import { acceptedIsDurable } from './suite/accepted-is-durable.js';

describe.each(engines)('accepted is durable on the $name engine', acceptedIsDurable);
