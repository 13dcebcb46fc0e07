import { describe } from 'vitest';
import { engines } from './engines.js';
import { ackIsFinal } from './suite/ack-is-final.js';

describe.each(engines)('an ack is final on the $name engine', ackIsFinal);
