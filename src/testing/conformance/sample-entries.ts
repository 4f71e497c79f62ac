/** Entries and memberships for the storage suites. */
import type { Entry } from '../../core/entry.ts';
import { blankEntry, membershipEntry, normalEntry } from '../../core/entry.ts';
import type { LogIndex, NodeId, Term } from '../../core/ids.ts';
import { logId } from '../../core/ids.ts';
import type { BasicNode, Membership } from '../../core/membership/membership.ts';
import { sampleBytes } from './expect.ts';

/** A normal entry with a payload of its own. */
export function sampleEntry(term: Term, index: LogIndex, payloadBytes = 24): Entry {
  return normalEntry(logId(term, index), 1_000 * index, sampleBytes(payloadBytes, term * 1_000_003 + index));
}

/** The entries `[fromIndex, toIndex)` of one term. */
export function sampleEntries(term: Term, fromIndex: LogIndex, toIndex: LogIndex, payloadBytes = 24): Entry[] {
  return Array.from({ length: toIndex - fromIndex }, (_, offset) =>
    sampleEntry(term, fromIndex + offset, payloadBytes),
  );
}

/** The log that most cases start from: 1:1, then 2:2 to 2:11. */
export function sampleLog(): Entry[] {
  return [sampleEntry(1, 1), ...sampleEntries(2, 2, 12)];
}

/** One entry of each kind, and of each extreme: 1:1 to 1:6. */
export function entriesOfEveryKind(): Entry[] {
  return [
    membershipEntry(logId(1, 1), 0, uniformMembership([1])),
    blankEntry(logId(1, 2), 1),
    normalEntry(logId(1, 3), 1, new Uint8Array(0)),
    normalEntry(
      logId(1, 4),
      1_700_000_000_000,
      Uint8Array.from({ length: 256 }, (_, byte) => byte),
    ),
    membershipEntry(logId(1, 5), Number.MAX_SAFE_INTEGER, jointMembership()),
    normalEntry(logId(1, 6), Number.MAX_SAFE_INTEGER, sampleBytes(70_000, 6)),
  ];
}

export function uniformMembership(voters: readonly NodeId[]): Membership {
  return { configs: [voters], nodes: new Map(voters.map((id) => [id, sampleNode(id)])), retainRemoved: false };
}

/** A joint config with a learner, every optional part of a node present in one and absent in another. */
export function jointMembership(): Membership {
  const nodes = new Map<NodeId, BasicNode>([1, 2, 3, 4, Number.MAX_SAFE_INTEGER].map((id) => [id, sampleNode(id)]));
  nodes.set(3, { addr: '[::1]:1', instanceId: null, metadata: null });
  nodes.set(4, {
    addr: 'node-4.example:65535',
    instanceId: 'd',
    metadata: { zone: 'ä', tags: [1, null, { deep: true }] },
  });
  return {
    configs: [
      [1, 2, 3],
      [2, 3, 4],
    ],
    nodes,
    retainRemoved: true,
  };
}

function sampleNode(id: NodeId): BasicNode {
  return { addr: `10.0.0.1:${id % 65536}`, instanceId: `instance-${id}`, metadata: null };
}
