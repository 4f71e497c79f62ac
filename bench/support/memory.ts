/** How much memory is in use once garbage is gone. */
import { setImmediate } from 'node:timers/promises';

/**
 * Bytes of objects and buffers that are still reachable.
 * @throws Error when the process was started without --expose-gc
 */
export async function liveBytes(): Promise<number> {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('memory can only be measured in a process started with --expose-gc');
  // Buffers are released by finalizers, which run after the collection that found them.
  for (let round = 0; round < 3; round += 1) {
    gc();
    await setImmediate();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
