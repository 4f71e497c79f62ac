/** What the disk itself can do: one append and one fdatasync, one after the other. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Latencies } from './latencies.ts';
import type { LoadResult } from './load.ts';
import { makeScratch } from './scratch.ts';

/** Appends so many bytes at a time to a growing file, each time waiting until they are on the disk. */
export async function measureDisk(bytes: number, durationMs: number): Promise<LoadResult> {
  const scratch = await makeScratch();
  const file = await open(join(scratch.directory, 'disk-limit'), 'a');
  const data = Buffer.alloc(bytes, 1);
  const latencies = new Latencies();
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  let nowMs = startMs;
  while (nowMs < startMs + durationMs) {
    const sentMs = nowMs;
    await file.write(data);
    await file.datasync();
    nowMs = performance.now();
    latencies.record(nowMs - sentMs);
  }
  await file.close();
  await scratch.remove();
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (nowMs - startMs) / 1000;
  return { operations: latencies.count, seconds, cpuUs: user + system, ...latencies.percentiles() };
}
