import type { Parking } from '../bus/parking.js';
import type { Job } from './runner.js';

const INTERVAL_MS = 1_000;

/** Brings parked messages to a channel that was made by another gateway, or just before a crash. */
export class ParkedWorker implements Job {
  readonly name = 'parked';
  readonly intervalMs = INTERVAL_MS;

  constructor(private readonly parking: Parking) {}

  async runOnce(): Promise<number | undefined> {
    await this.parking.runOnce();
    return undefined;
  }
}
