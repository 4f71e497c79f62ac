/** What can happen to the disk of a log. */
import type { FaultCluster, FaultMember } from './fault-cluster.ts';
import { FaultDisk } from './fault-disk.ts';
import type { FaultScenario, FaultSeen } from './fault-scenario.ts';

const BOTH = ['leader', 'follower'] as const;

/** Longer than an election takes. */
const LONG_MS = 2000;

const NOTHING_SEEN: FaultSeen = {};

/** A write that meets the fault on a node's disk. */
async function writeMeeting(cluster: FaultCluster): Promise<FaultSeen> {
  cluster.propose(await cluster.leader());
  await cluster.time.advance(LONG_MS);
  return NOTHING_SEEN;
}

function failingCommit(code: 'EIO' | 'ENOSPC', text: string): FaultScenario {
  return {
    fault: `log: a commit fails, ${text}`,
    roles: BOTH,
    expected: 'stops',
    cause: new RegExp(`STORAGE .*${code}`),
    repair: 'restart',
    provoke: (cluster, victim) => {
      victim.disk.fail('commit', code);
      return writeMeeting(cluster);
    },
  };
}

/** The power fails; then the node is started again over its disk, or over the one that `damage` makes of it. */
export async function restart(
  cluster: FaultCluster,
  victim: FaultMember,
  damage: (disk: FaultDisk) => FaultDisk = (disk) => disk,
): Promise<FaultSeen> {
  await cluster.powerFails(victim);
  const disk = damage(victim.disk);
  const error: unknown = await cluster.start(victim.id, disk).then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error !== null) return { outcome: 'does not start', error };
  await cluster.time.advance(LONG_MS);
  return { outcome: 'starts again' };
}

function damagedAtStart(fault: string, cause: RegExp, damage: (disk: FaultDisk) => void): FaultScenario {
  return {
    fault: `${fault}, found at the next start`,
    roles: BOTH,
    expected: 'does not start',
    cause,
    repair: 'replace',
    provoke: (cluster, victim) =>
      restart(cluster, victim, (disk) => {
        damage(disk);
        return disk;
      }),
  };
}

export const LOG_SCENARIOS: readonly FaultScenario[] = [
  failingCommit('EIO', 'EIO'),
  failingCommit('ENOSPC', 'the disk is full (ENOSPC)'),
  {
    fault: 'log: a commit hangs for longer than an election timeout',
    roles: BOTH,
    expected: { leader: 'steps down', follower: 'goes on' },
    cause: null,
    repair: 'none',
    provoke: (cluster, victim) => {
      victim.disk.hang('commit');
      return writeMeeting(cluster);
    },
  },
  {
    fault: 'log: a commit fails that should make a vote durable',
    roles: ['follower'],
    expected: 'stops',
    cause: /STORAGE .*EIO/,
    repair: 'restart',
    provoke: async (cluster, victim) => {
      const leader = await cluster.leader();
      victim.disk.fail('commit', 'EIO');
      cluster.isolate(leader);
      await cluster.time.advance(LONG_MS);
      cluster.heal();
      return NOTHING_SEEN;
    },
  },
  {
    fault: 'log: the power fails during a commit',
    roles: BOTH,
    expected: 'starts again',
    cause: null,
    repair: 'none',
    repeats: 6,
    provoke: async (cluster, victim) => {
      victim.disk.hang('commit');
      cluster.propose(await cluster.leader());
      await cluster.time.advance(20);
      return await restart(cluster, victim);
    },
  },
  {
    fault: 'log: a bit of a stored group flips, read back for a follower that lags',
    roles: ['leader'],
    config: { logCacheBytes: 1 },
    expected: 'stops',
    cause: /CORRUPTION .*the log is damaged at or after index/,
    repair: 'replace',
    provoke: async (cluster, victim) => {
      const [lagging] = cluster.followersOf(victim);
      if (lagging !== undefined) cluster.isolate(lagging);
      await cluster.write(5);
      victim.disk.flipGroup();
      cluster.heal();
      await cluster.time.advance(LONG_MS);
      return NOTHING_SEEN;
    },
  },
  damagedAtStart('log: a bit of a stored group flips', /CORRUPTION .*the log is damaged at or after index/, (disk) =>
    disk.flipGroup(),
  ),
  damagedAtStart('log: a stored group is gone', /CORRUPTION .*there is no such entry/, (disk) => disk.removeGroup()),
  damagedAtStart('log: a bit of the hard state flips', /CORRUPTION .*'hard-state' is damaged/, (disk) =>
    disk.flipRecord('hard-state'),
  ),
  damagedAtStart('log: the hard state is gone', /CORRUPTION .*'hard-state' is missing/, (disk) =>
    disk.log.records.delete('hard-state'),
  ),
  damagedAtStart('log: the identity is gone', /CORRUPTION .*not the record that says whose/, (disk) =>
    disk.log.records.delete('identity'),
  ),
  {
    fault: 'log and snapshots are gone: an empty disk under a known id',
    roles: BOTH,
    expected: 'is refused',
    cause: /PEER_REFUSED .*its data was lost or exchanged/,
    repair: 'replace',
    provoke: async (cluster, victim) => {
      await restart(cluster, victim, () => new FaultDisk());
      const leader = await cluster.leader(cluster.others(victim));
      const refused = leader.events.findLast(({ type }) => type === 'peer-refused');
      return refused?.type === 'peer-refused' ? { outcome: 'is refused', error: refused.error } : NOTHING_SEEN;
    },
  },
];
