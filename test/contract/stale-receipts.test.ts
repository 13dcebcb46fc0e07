import { describe } from 'vitest';
import { engines } from './engines.js';
import { staleReceipts } from './suite/stale-receipts.js';

describe.each(engines)('stale receipts on the $name engine', staleReceipts);
