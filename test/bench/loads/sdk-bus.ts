import { type Bus, connect } from '@waybill/sdk';
import type { LoadSettings } from './serve-rounds.js';
import { publishInWindow } from './window.js';

/** The SDK as a program would use it, and the one topic that is measured. */
export class SdkBus {
  readonly bus: Bus;
  readonly #settings: LoadSettings;
  readonly #body: Uint8Array;

  static async open(settings: LoadSettings): Promise<SdkBus> {
    const bus = await connect({ url: settings.gateway });
    return new SdkBus(bus, settings);
  }

  /** `bus` is what the settings' gateway would be. */
  constructor(bus: Bus, settings: LoadSettings) {
    this.bus = bus;
    this.#settings = settings;
    this.#body = Buffer.alloc(settings.bodyBytes, 'A');
  }

  /** Makes the channel, which then keeps every message. */
  async makeChannel(): Promise<void> {
    const { topic, channel } = this.#settings;
    const subscription = this.bus.subscribe(topic, channel, () => {});
    await subscription.ready;
    await subscription.stop();
  }

  /** Calls back when it is durable. */
  publish(confirmed: (error: unknown) => void): void {
    this.bus
      .publish(this.#settings.topic, this.#body)
      .then(
        ({ outcome }) => confirmed(outcome === 'accepted' ? undefined : new Error(`a message was ${outcome}`)),
        confirmed,
      );
  }

  /** Resolves when all are durable. */
  publishAll(messages: number): Promise<void> {
    return publishInWindow(messages, this.#settings.window, (confirmed) => this.publish(confirmed));
  }
}
