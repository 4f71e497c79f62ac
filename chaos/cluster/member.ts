/** One place of the cluster: the node that has it, its process and its directory, and what is being done to it. */
import type { NodeHandle } from './node-handle.ts';

/** Ids of nodes that follow each other at a place are so far apart: node 23 is the third at place 3. */
const GENERATION = 10;

export class Member {
  /** Counted from 0. */
  readonly place: number;
  /** Replaced when the node is. */
  nodeId: number;
  /** Null while no process runs. */
  handle: NodeHandle | null = null;
  isPaused = false;
  /** Whoever has claimed it is the only one to start, stop or pause its process. */
  isClaimed = false;
  /** The node was told to stop, or given no choice: that it stops is no mistake. */
  isStopExpected = false;
  /** Why it stopped by itself, since it was started. */
  stopped: string | null = null;

  constructor(place: number) {
    this.place = place;
    this.nodeId = place + 1;
  }

  /** The id of a node that takes the place of this one. */
  nextNodeId(): number {
    return this.nodeId + GENERATION;
  }

  /** Whether it can be asked anything just now. */
  get isUp(): boolean {
    return this.handle?.isRunning === true && !this.isPaused && this.stopped === null;
  }
}
