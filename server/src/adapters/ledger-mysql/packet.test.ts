import { expect, test } from 'vitest';
import { packetProblem } from './packet.js';

const MIB = 1024 * 1024;

test('a server whose packets hold twice the largest message keeps them all', () => {
  expect(packetProblem(16 * MIB, 4 * MIB)).toBeUndefined();
  expect(packetProblem(64 * MIB, 4 * MIB)).toBeUndefined();
});

test('one whose packets are smaller does not, and both settings are named with what would do', () => {
  const problem = packetProblem(16 * MIB, 8 * MIB);
  expect(problem).toContain('MaxMessageBytes');
  expect(problem).toContain(`max_allowed_packet from ${16 * MIB} to at least ${16 * MIB + 65_536} bytes`);
});
