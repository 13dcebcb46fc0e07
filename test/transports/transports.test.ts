/** One suite proves one behaviour: what consumes from one bus consumes from every other. */
import { describe } from 'vitest';
import { asking } from './suite/asking.js';
import { delivering } from './suite/delivering.js';
import { handling } from './suite/handling.js';
import { retrying } from './suite/retrying.js';
import { scheduling } from './suite/scheduling.js';
import { settling } from './suite/settling.js';
import { transports } from './transports.js';
import { useTransport } from './use-transport.js';

describe.each(transports)('a bus over $name', (transport) => {
  const used = useTransport(transport);
  describe('delivers', () => delivering(used));
  describe('retries', () => retrying(used));
  describe('keeps a schedule', () => scheduling(used));
  describe('handles', () => handling(used));
  describe('settles', () => settling(used));
  describe('is asked', () => asking(used));
});
