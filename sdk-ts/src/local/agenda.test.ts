import { describe, expect, it } from 'vitest';
import { ManualClock } from '../testing/manual-clock.js';
import { Agenda, type Appointment } from './agenda.js';

class Note implements Appointment {
  dueAt = 0;
  place = -1;
  order = 0;

  constructor(
    readonly name: string,
    readonly due: () => void,
  ) {}
}

describe('an agenda', () => {
  const clock = new ManualClock(0);

  it('brings everything up in the order of its time, and what is due together in the order of its arrival', () => {
    const agenda = new Agenda(clock);
    const due: number[] = [];
    const times = Array.from({ length: 500 }, (_, i) => (i * 7_919) % 101);
    for (const [i, time] of times.entries()) {
      agenda.add(new Note(`${i}`, () => due.push(time * 1_000 + i)), 1_000 + time);
    }
    clock.advance(2_000);
    expect(due).toEqual(times.map((time, i) => time * 1_000 + i).sort((one, other) => one - other));
    expect(agenda.size).toBe(0);
  });

  it('forgets what is removed, and moves what gets another time', () => {
    const agenda = new Agenda(clock);
    const due: string[] = [];
    const notes = Array.from({ length: 50 }, (_, i) => new Note(`${i}`, () => due.push(`${i}`)));
    const now = clock.now();
    for (const [i, note] of notes.entries()) agenda.add(note, now + 100 + i);
    for (const [i, note] of notes.entries()) if (i % 5 !== 0) expect(agenda.remove(note)).toBe(true);
    for (const note of notes.slice(0, 1)) agenda.add(note, now + 500);
    for (const note of notes.slice(1, 2)) expect(agenda.remove(note)).toBe(false);
    clock.advance(1_000);
    expect(due).toEqual(['5', '10', '15', '20', '25', '30', '35', '40', '45', '0']);
  });

  it('takes in what is added while something comes up, even for now', () => {
    const agenda = new Agenda(clock);
    const due: string[] = [];
    const second = new Note('second', () => due.push('second'));
    const first = new Note('first', () => {
      due.push('first');
      agenda.add(second, clock.now());
    });
    agenda.add(first, clock.now() + 10);
    clock.advance(10);
    expect(due).toEqual(['first', 'second']);
  });
});
