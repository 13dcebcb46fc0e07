import { describe, expect, it } from 'vitest';
import { splitOrigins, validOrigins } from './origins.js';

describe('a list of origins', () => {
  it('has commas between, and room around', () => {
    expect(splitOrigins('https://a.example, http://localhost:5173 ,')).toEqual([
      'https://a.example',
      'http://localhost:5173',
    ]);
    expect(splitOrigins('')).toEqual([]);
  });

  it.each(['', 'https://a.example', 'https://a.example:8443,http://[::1]:5173'])('%j is one', (text) => {
    expect(validOrigins(text)).toBe(true);
  });

  it.each([
    '*',
    'null',
    'a.example',
    'https://a.example/',
    'https://a.example/path',
    'https://user@a.example',
    'https://A.example',
    'https://a.example:443',
    'file:///x',
    'https://a.example;https://b.example',
  ])('%j is none', (text) => {
    expect(validOrigins(text)).toBe(false);
  });
});
