/** Publishes so many, never more than the window unconfirmed; fills it again when half of it is free. Resolves when all are confirmed. */
export function publishInWindow(
  messages: number,
  window: number,
  publish: (confirmed: (error: unknown) => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let sent = 0;
    let confirmed = 0;
    const onConfirm = (error: unknown) => {
      if (error) return reject(error);
      confirmed++;
      if (confirmed === messages) resolve();
      else if (sent - confirmed <= window / 2) fill();
    };
    const fill = () => {
      while (sent < messages && sent - confirmed < window) {
        sent++;
        publish(onConfirm);
      }
    };
    fill();
  });
}
