/** What can happen to the disk of the snapshots. */
import type { FaultCluster, FaultMember } from './fault-cluster.ts';
import type { DiskCall } from './fault-disk.ts';
import { FaultDisk } from './fault-disk.ts';
import type { FaultScenario, FaultSeen } from './fault-scenario.ts';
import { restart } from './log-scenarios.ts';

const BOTH = ['leader', 'follower'] as const;
const LONG_MS = 2000;

/** Enough for several blocks. */
const REQUEST_BYTES = 300;

/** Starts a snapshot of the node's own state; resolves with the error. */
async function build(cluster: FaultCluster, { node }: FaultMember): Promise<unknown> {
  return await cluster.run(
    node.raft
      .trigger()
      .snapshot()
      .then(
        () => null,
        (error: unknown) => error,
      ),
  );
}

async function writeSome(cluster: FaultCluster): Promise<void> {
  for (let count = 0; count < 10; count += 1) cluster.propose(await cluster.leader(), REQUEST_BYTES);
  await cluster.write(1);
}

interface BuildFault {
  readonly call: DiskCall;
  readonly code: 'EIO' | 'ENOSPC';
  readonly isShort?: boolean;
}

function failingBuild(fault: string, { call, code, isShort = false }: BuildFault): FaultScenario {
  return {
    fault: `own snapshot: ${fault}`,
    roles: BOTH,
    expected: 'stops',
    cause: new RegExp(code),
    repair: 'restart',
    provoke: async (cluster, victim) => {
      await writeSome(cluster);
      victim.disk.fail(call, code, { isShort });
      const error = await build(cluster, victim);
      if (error === null) throw new Error('a snapshot was built on a disk that fails');
      return {};
    },
  };
}

/** Lets a follower fall behind, so that it must take a snapshot over this fault. */
async function installOver(cluster: FaultCluster, victim: FaultMember, begin: () => void): Promise<void> {
  const leader = await cluster.leader();
  cluster.isolate(victim);
  await writeSome(cluster);
  await build(cluster, leader);
  await cluster.time.until(() => leader.node.metrics().purged.index > 10);
  begin();
  cluster.heal();
  await cluster.time.advance(LONG_MS);
}

function failingInstall(fault: string, call: DiskCall): FaultScenario {
  return {
    fault: `received snapshot: ${fault}`,
    roles: ['follower'],
    expected: 'stops',
    cause: /EIO/,
    repair: 'restart',
    provoke: async (cluster, victim) => {
      await installOver(cluster, victim, () => victim.disk.fail(call, 'EIO'));
      return {};
    },
  };
}

function powerFailure(call: DiskCall): FaultScenario[] {
  return [
    {
      fault: `own snapshot: the power fails during '${call}'`,
      roles: BOTH,
      expected: 'starts again',
      cause: null,
      repair: 'none',
      repeats: 6,
      provoke: async (cluster, victim) => {
        await writeSome(cluster);
        await build(cluster, victim);
        await writeSome(cluster);
        victim.disk.hang(call);
        victim.node.raft
          .trigger()
          .snapshot()
          .catch(() => undefined);
        await cluster.time.advance(20);
        return await restart(cluster, victim);
      },
    },
    {
      fault: `received snapshot: the power fails during '${call}'`,
      roles: ['follower'],
      expected: 'starts again',
      cause: null,
      repair: 'none',
      repeats: 6,
      provoke: async (cluster, victim) => {
        await installOver(cluster, victim, () => victim.disk.hang(call));
        return await restart(cluster, victim);
      },
    },
  ];
}

export const SNAPSHOT_SCENARIOS: readonly FaultScenario[] = [
  failingBuild('a write fails (EIO)', { call: 'write', code: 'EIO' }),
  failingBuild('a write is cut short (EIO)', { call: 'write', code: 'EIO', isShort: true }),
  failingBuild('the disk is full (ENOSPC)', { call: 'write', code: 'ENOSPC', isShort: true }),
  failingBuild('a sync fails', { call: 'sync', code: 'EIO' }),
  failingBuild('the renaming fails', { call: 'rename', code: 'EIO' }),
  failingBuild('the sync of the directory fails', { call: 'sync-directory', code: 'EIO' }),
  {
    fault: 'own snapshot: a sync hangs for longer than an election timeout',
    roles: BOTH,
    expected: 'goes on',
    cause: null,
    repair: 'none',
    provoke: async (cluster, victim) => {
      await writeSome(cluster);
      victim.disk.hang('sync');
      victim.node.raft
        .trigger()
        .snapshot()
        .catch(() => undefined);
      await cluster.time.advance(LONG_MS);
      return {};
    },
  },
  failingInstall('a write fails', 'write'),
  failingInstall('a sync fails', 'sync'),
  failingInstall('the renaming fails', 'rename'),
  failingInstall('the sync of the directory fails', 'sync-directory'),
  ...(['write', 'sync', 'rename', 'sync-directory'] as const).flatMap(powerFailure),
  {
    fault: 'a bit of the stored snapshot flips, read for a new learner',
    roles: ['leader'],
    expected: 'goes on',
    cause: null,
    repair: 'none',
    provoke: async (cluster, victim) => {
      await writeSome(cluster);
      await build(cluster, victim);
      victim.disk.flipSnapshot();
      await cluster.start(4, new FaultDisk());
      await cluster.run(victim.node.addLearner(4, 'n4:1'));
      if (!victim.disk.hasDamagedSnapshot) throw new Error('nobody noticed that the snapshot is damaged');
      return {};
    },
  },
  {
    fault: 'a bit of the stored snapshot flips, found at the next start; the log was cut behind it',
    roles: BOTH,
    expected: 'does not start',
    cause: /CORRUPTION/,
    repair: 'replace',
    provoke: async (cluster, victim) => {
      await writeSome(cluster);
      await build(cluster, victim);
      await cluster.time.until(() => victim.node.metrics().purged.index > 10);
      return await restart(cluster, victim, (disk) => {
        disk.flipSnapshot();
        return disk;
      });
    },
  },
  {
    fault: 'a bit of the stored snapshot flips, found at the next start; the log reaches back to the one before',
    roles: BOTH,
    config: { maxInSnapshotLogToKeep: 1000 },
    expected: 'starts again',
    cause: null,
    repair: 'none',
    provoke: async (cluster, victim): Promise<FaultSeen> => {
      await writeSome(cluster);
      await build(cluster, victim);
      await writeSome(cluster);
      await build(cluster, victim);
      const seen = await restart(cluster, victim, (disk) => {
        disk.flipSnapshot();
        return disk;
      });
      if (!victim.disk.hasDamagedSnapshot) throw new Error('nobody noticed that the snapshot is damaged');
      return seen;
    },
  },
];
