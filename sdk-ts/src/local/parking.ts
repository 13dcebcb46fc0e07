import type { StoredMessage } from './stored-message.js';

/** Where the messages of one topic wait for its first channel. */
export interface ParkingPlace {
  /** Oldest first. */
  parked: StoredMessage[];
}

/** The messages that no channel wants yet. There may be any number of topics, so all of them together are bounded: the oldest go. */
export class Parking {
  /** Oldest first. */
  readonly #places = new Map<StoredMessage, ParkingPlace>();

  constructor(readonly most: number) {}

  add(place: ParkingPlace, message: StoredMessage): void {
    place.parked.push(message);
    this.#places.set(message, place);
    if (this.#places.size <= this.most) return;
    // The oldest of all is the oldest of its own place.
    for (const [oldest, its] of this.#places) {
      its.parked.shift();
      this.#places.delete(oldest);
      return;
    }
  }

  /** Empties a place. */
  take(place: ParkingPlace): StoredMessage[] {
    const { parked } = place;
    place.parked = [];
    for (const message of parked) this.#places.delete(message);
    return parked;
  }

  /** False when no such message is there. */
  remove(place: ParkingPlace, id: string): boolean {
    const at = place.parked.findIndex((message) => message.id === id);
    const [message] = at < 0 ? [] : place.parked.splice(at, 1);
    return message !== undefined && this.#places.delete(message);
  }
}
