/** A promise that is settled from outside, at most once, and whose rejection nobody has to hear. */
export class Gate {
  readonly promise: Promise<void>;
  #open: () => void = () => {};
  #fail: (error: Error) => void = () => {};

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.#open = resolve;
      this.#fail = reject;
    });
    this.whenSettled(() => {});
  }

  open(): void {
    this.#open();
  }

  fail(error: Error): void {
    this.#fail(error);
  }

  /** Calls back when it is settled, either way. */
  whenSettled(settled: () => void): void {
    this.promise.then(settled, settled);
  }
}
