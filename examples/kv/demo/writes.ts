/** Writes that are repeated until they are acknowledged, and what became of them. */
import type { DemoNode } from './cluster.ts';
import { retrying } from './cluster.ts';

const WRITERS = 16;

export interface Writes {
  readonly count: number;
  readonly prefix: string;
  readonly nodes: () => readonly DemoNode[];
  /** Takes every key when it is acknowledged. */
  readonly written: Map<string, string>;
}

/** Every key is written until it is acknowledged. Returns the longest time without an acknowledgement. */
export async function writeKeys({ count, prefix, nodes, written }: Writes): Promise<number> {
  let next = 0;
  let lastMs = performance.now();
  let gapMs = 0;
  const write = async (): Promise<void> => {
    while (next < count) {
      const key = `${prefix}-${next}`;
      next += 1;
      const value = `value of ${key}`;
      await retrying(nodes, ({ client }) => client.set(key, value));
      written.set(key, value);
      const nowMs = performance.now();
      gapMs = Math.max(gapMs, nowMs - lastMs);
      lastMs = nowMs;
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
  return gapMs;
}

/** What a node has that was not acknowledged, and lacks that was. Read linearizably. */
export async function differencesOn(node: DemoNode, written: ReadonlyMap<string, string>): Promise<string[]> {
  const entries = await retrying(
    () => [node],
    ({ client }) => client.list(),
  );
  const found = new Map(entries.map(({ key, value }) => [key, value]));
  const differences: string[] = [];
  for (const [key, value] of written) {
    if (found.get(key) !== value)
      differences.push(`node ${node.id}: ${key} is ${JSON.stringify(found.get(key))}, not "${value}"`);
  }
  for (const key of found.keys()) if (!written.has(key)) differences.push(`node ${node.id}: ${key} was never written`);
  return differences;
}
