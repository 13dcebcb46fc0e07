/** A listener's own fault goes where uncaught errors go: it must not end what is under way. */
export function tell(listener: () => void): void {
  try {
    listener();
  } catch (thrown) {
    queueMicrotask(() => {
      throw thrown;
    });
  }
}
