/** Disks without room: the node must stop by itself, and come back with all it acknowledged when there is room again. */
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '../cluster/cluster.ts';
import type { Member } from '../cluster/member.ts';
import { endAll } from './process-faults.ts';
import { claimVictims } from './victims.ts';
import type { Nemesis } from './world.ts';
import { names } from './world.ts';

const FILLER = 'filler';
const BLOCK_BYTES = [1024 * 1024, 4096, 1];

/** A node writes when the cluster does; with no quorum it may find out late. */
const NOTICE_MS = 8000;
const POLL_MS = 20;

export const diskFull: Nemesis = async (fault, { cluster }) => {
  const victims = await claimVictims(cluster, fault);
  if (victims.length === 0) return null;
  for (const victim of victims) victim.isStopExpected = true;
  await Promise.all(victims.map((victim) => fill(fillerOf(cluster, victim))));
  await Promise.all(victims.map(untilStopped));
  const stopped = victims.filter((victim) => victim.stopped !== null);
  const others = victims.filter((victim) => victim.stopped === null);
  const outcome = [
    stopped.length === 0 ? '' : `${names(stopped)} stopped`,
    others.length === 0 ? '' : `${names(others)} had nothing to write`,
  ].filter((part) => part !== '');
  return {
    what: `no room for ${names(victims)}: ${outcome.join(', ')}`,
    end: () => endAll(victims, (victim) => makeRoomAndRestart(cluster, victim)),
  };
};

/** What an operator does. */
async function makeRoomAndRestart(cluster: Cluster, victim: Member): Promise<void> {
  await rm(fillerOf(cluster, victim), { force: true });
  await cluster.kill(victim);
  await cluster.start(victim);
}

function fillerOf(cluster: Cluster, { place }: Member): string {
  return join(cluster.placeDirectory(place), FILLER);
}

/** To the last byte. */
async function fill(path: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (const bytes of BLOCK_BYTES) {
      const block = Buffer.alloc(bytes);
      while (await tryWrite(file, block));
    }
  } finally {
    await file.close();
  }
}

async function tryWrite(file: Awaited<ReturnType<typeof open>>, block: Buffer): Promise<boolean> {
  try {
    const { bytesWritten } = await file.write(block);
    return bytesWritten === block.byteLength;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}

async function untilStopped(victim: Member): Promise<void> {
  const deadlineMs = performance.now() + NOTICE_MS;
  while (victim.stopped === null && performance.now() < deadlineMs) await delay(POLL_MS);
}
