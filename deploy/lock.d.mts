export function withLock<T>(
  path: string,
  work: () => Promise<T>,
  options?: { onWait?: (ownerPid: number) => void },
): Promise<T>;
