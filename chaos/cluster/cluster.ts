/** The nodes: started, killed, paused and asked, one at each place. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConsensusConfig } from 'zlayer-consensus';
import type { ClusterNetwork } from '../network/cluster-network.ts';
import type { Launcher } from '../support/launch.ts';
import { Member } from './member.ts';
import type { NodeCommands, NodeStatus, NodeStopped } from './node-commands.ts';
import { NodeHandle } from './node-handle.ts';

/** Short, so that much happens in a minute; long enough for a machine that is busy. */
const NODE_CONFIG: Partial<ConsensusConfig> = Object.freeze({
  clusterName: 'chaos',
  heartbeatIntervalMs: 100,
  electionTimeoutMinMs: 500,
  electionTimeoutMaxMs: 1000,
  rpcTimeoutMs: 2000,
  // Snapshots are built, sent and installed all the time.
  snapshotLogsSinceLast: 400,
  maxInSnapshotLogToKeep: 50,
  snapshotTimeoutMs: 10_000,
  leaseReads: true,
});

const STATUS_MS = 700;
const POLL_MS = 50;

export interface ClusterOptions {
  readonly nodes: number;
  readonly run: string;
  readonly network: ClusterNetwork;
  readonly launcher: Launcher;
  /** Each place has a directory of its own in it, and each node one in that. */
  readonly dataDirectory: string;
  readonly logDirectory: string;
  readonly isStateOnDisk: boolean;
  /** Nodes at these places post, and open no streams. */
  readonly postingPlaces: ReadonlySet<number>;
  /** Of the process of a place, for example to give it another clock. */
  readonly environmentOf: (place: number) => Readonly<Record<string, string>>;
  /** A node is there, or is another one now. */
  readonly onMoved: (member: Member) => void;
  /** A node stopped by itself, although nothing was done to it. */
  readonly onBroken: (member: Member, message: string) => void;
}

export interface MemberStatus extends NodeStatus {
  readonly member: Member;
}

export class Cluster {
  readonly members: readonly Member[];
  readonly #options: ClusterOptions;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.members = Array.from({ length: options.nodes }, (_, place) => new Member(place));
  }

  /** Starts all nodes; the first forms a cluster, and the others are added to it. */
  async form(): Promise<void> {
    await Promise.all(this.members.map((member) => this.start(member)));
    const [first, ...others] = this.members;
    await first?.handle?.ask('bootstrap', null);
    for (const member of others) {
      const { nodeId } = member;
      await first?.handle?.ask('add-voter', { nodeId, address: this.addressOf(member) });
    }
  }

  directoryOf({ place, nodeId }: Member): string {
    return join(this.placeDirectory(place), `node-${nodeId}`);
  }

  placeDirectory(place: number): string {
    return join(this.#options.dataDirectory, `place-${place + 1}`);
  }

  addressOf({ place }: Member): string {
    return this.#options.network.place(place).peerAddress;
  }

  /** Starts the process of a member, with the data that it has. Resolves when it listens. */
  async start(member: Member): Promise<void> {
    const { network, launcher, run, logDirectory, isStateOnDisk, postingPlaces, environmentOf } = this.#options;
    const { place, nodeId } = member;
    const where = network.place(place);
    const directory = this.directoryOf(member);
    await mkdir(directory, { recursive: true });
    member.stopped = null;
    member.isStopExpected = false;
    const handle = await NodeHandle.start({
      launcher,
      launch: {
        namespace: where.namespace,
        environment: environmentOf(place),
        logFile: join(logDirectory, `node-${nodeId}.log`),
      },
      setup: {
        ...where,
        nodeId,
        directory,
        isStateOnDisk,
        isPosting: postingPlaces.has(place),
        config: NODE_CONFIG,
        run,
      },
      onStopped: (news) => this.#onStopped(member, news),
      onExit: (code, signal) => this.#onExit(member, code, signal),
    });
    member.handle = handle;
    member.isPaused = false;
    await network.arrive(place, handle.peerPort);
    this.#options.onMoved(member);
  }

  async kill(member: Member): Promise<void> {
    const { handle } = member;
    member.isStopExpected = true;
    await handle?.kill();
    member.handle = null;
    member.isPaused = false;
  }

  /** @throws Error when it does not stop by itself; its process is gone all the same */
  async stop(member: Member): Promise<void> {
    const { handle } = member;
    member.isStopExpected = true;
    try {
      await handle?.stop();
    } finally {
      member.handle = null;
    }
  }

  pause(member: Member): void {
    member.isPaused = true;
    member.handle?.pause();
  }

  resume(member: Member): void {
    member.handle?.resume();
    member.isPaused = false;
  }

  async ask<Name extends keyof NodeCommands>(
    member: Member,
    command: Name,
    given: NodeCommands[Name]['given'],
    timeoutMs?: number,
  ): Promise<NodeCommands[Name]['answer']> {
    if (member.handle === null) throw new Error(`node ${member.nodeId} is down`);
    return await member.handle.ask(command, given, timeoutMs);
  }

  /** What each node says of itself; those that don't answer soon are left out. */
  async statuses(): Promise<readonly MemberStatus[]> {
    const answers = await Promise.allSettled(
      this.members
        .filter(({ isUp }) => isUp)
        .map(async (member) => ({ ...(await this.ask(member, 'status', null, STATUS_MS)), member })),
    );
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  }

  /** The node that says it leads, in the highest term; null when none does. */
  async leader(): Promise<MemberStatus | null> {
    const leading = (await this.statuses()).filter(({ role }) => role === 'leader');
    return leading.toSorted((a, b) => b.term - a.term)[0] ?? null;
  }

  /** @throws Error when none leads in time */
  async waitForLeader(timeoutMs: number): Promise<MemberStatus> {
    const deadlineMs = performance.now() + timeoutMs;
    while (performance.now() < deadlineMs) {
      const leader = await this.leader();
      if (leader !== null) return leader;
      await delay(POLL_MS);
    }
    throw new Error(`no node led within ${timeoutMs} ms`);
  }

  #onStopped(member: Member, { code, message }: NodeStopped): void {
    member.stopped = `${code}: ${message}`;
    if (!member.isStopExpected) this.#options.onBroken(member, member.stopped);
  }

  #onExit(member: Member, code: number | null, signal: string | null): void {
    if (member.isStopExpected) return;
    member.stopped = `the process ended with ${signal ?? `code ${String(code)}`}`;
    this.#options.onBroken(member, member.stopped);
  }
}
