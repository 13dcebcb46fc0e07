import type { Clock } from './clock.js';

/** Something that waits for its time. The agenda writes the three numbers; nobody else does. */
export interface Appointment {
  /** Unix milliseconds. */
  dueAt: number;
  /** Where it lies in the agenda; -1 while it is in none. */
  place: number;
  /** Tells apart what is due at the same time: the earlier comes first. */
  order: number;
  due(): void;
}

/** What waits for its time, in a heap, with one alarm for all. */
export class Agenda {
  readonly #clock: Clock;
  readonly #heap: Appointment[] = [];
  #order = 0;
  #closed = false;
  #alarmAt = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** Replaces the time of one that is in here already. */
  add(appointment: Appointment, dueAt: number): void {
    if (this.#closed) return;
    this.#take(appointment);
    appointment.dueAt = dueAt;
    appointment.order = ++this.#order;
    this.#heap.push(appointment);
    this.#rise(appointment, this.#heap.length - 1);
    this.#setAlarm();
  }

  /** False when it is not in here. */
  remove(appointment: Appointment): boolean {
    if (!this.#take(appointment)) return false;
    this.#setAlarm();
    return true;
  }

  /** Forgets all, and whatever is added from now on. */
  close(): void {
    this.#closed = true;
    for (const appointment of this.#heap) appointment.place = -1;
    this.#heap.length = 0;
    this.#setAlarm();
  }

  readonly #ring = (): void => {
    this.#alarmAt = Number.POSITIVE_INFINITY;
    const now = this.#clock.now();
    for (let first = this.#heap[0]; first !== undefined && first.dueAt <= now; first = this.#heap[0]) {
      this.#take(first);
      first.due();
    }
    this.#setAlarm();
  };

  /** An alarm that rings too early costs less than one that is set anew with every change. */
  #setAlarm(): void {
    const next = this.#heap[0]?.dueAt ?? Number.POSITIVE_INFINITY;
    if (next >= this.#alarmAt && this.#heap.length > 0) return;
    if (next === this.#alarmAt) return;
    this.#alarmAt = next;
    this.#clock.alarm(next, this.#ring);
  }

  #take(appointment: Appointment): boolean {
    const { place } = appointment;
    if (place < 0 || this.#heap[place] !== appointment) return false;
    const last = this.#heap.pop();
    appointment.place = -1;
    if (last !== undefined && last !== appointment) {
      this.#rise(last, place);
      this.#sink(last, last.place);
    }
    return true;
  }

  #rise(appointment: Appointment, from: number): void {
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = this.#heap[above];
      if (parent === undefined || !isBefore(appointment, parent)) break;
      this.#put(parent, at);
      at = above;
    }
    this.#put(appointment, at);
  }

  #sink(appointment: Appointment, from: number): void {
    let at = from;
    for (;;) {
      let below = 2 * at + 1;
      let child = this.#heap[below];
      if (child === undefined) break;
      const other = this.#heap[below + 1];
      if (other !== undefined && isBefore(other, child)) {
        child = other;
        below++;
      }
      if (!isBefore(child, appointment)) break;
      this.#put(child, at);
      at = below;
    }
    this.#put(appointment, at);
  }

  #put(appointment: Appointment, at: number): void {
    this.#heap[at] = appointment;
    appointment.place = at;
  }
}

function isBefore(one: Appointment, other: Appointment): boolean {
  return one.dueAt < other.dueAt || (one.dueAt === other.dueAt && one.order < other.order);
}
