/** Makes the faults of a schedule happen, each at its time, and ends them again. */
import type { NodeId } from '../../../core/ids.ts';
import type { LinkRule } from '../network/link.ts';
import { timeUnitMs } from '../settings.ts';
import type { SimRandom } from '../time/sim-random.ts';
import { callNode } from '../world/call-node.ts';
import type { Operator } from '../world/operator.ts';
import type { SimCluster } from '../world/sim-cluster.ts';
import type { SimNode } from '../world/sim-node.ts';
import type { FaultAction, FaultItem, LinkSelection, Target } from './fault-item.ts';

export interface DirectorParts {
  readonly cluster: SimCluster;
  readonly operator: Operator;
  readonly random: SimRandom;
  readonly schedule: readonly FaultItem[];
}

/** How long before a crash what is sent is late, in election timeouts. */
const LAST_WORDS = 0.2;

type ActionOf<Type extends FaultAction['type']> = Extract<FaultAction, { type: Type }>;

export class Director {
  readonly #parts: DirectorParts;
  /** What undoes the faults under way. */
  readonly #undo = new Set<() => void>();
  /** Nodes that are never started again. */
  readonly #forever = new Set<SimNode>();
  #isOver = false;
  #abortRate = 0.05;

  constructor(parts: DirectorParts) {
    this.#parts = parts;
  }

  /** Share of the calls that clients give up now. */
  get abortRate(): number {
    return this.#abortRate;
  }

  /** Nodes that stay down, also when all is healed. */
  get forever(): ReadonlySet<SimNode> {
    return this.#forever;
  }

  start(): void {
    const { cluster, schedule } = this.#parts;
    for (const item of schedule) cluster.timeline.after(item.atMs, () => this.#perform(item));
  }

  /** Ends all faults and starts what is down. Nothing of the schedule happens any more. */
  heal(): void {
    const { cluster } = this.#parts;
    this.#isOver = true;
    cluster.trace.note(40, 0);
    cluster.trace.line(null, 'HEALED');
    for (const undo of [...this.#undo]) undo();
    cluster.fabric.heal();
    for (const node of cluster.nodes) {
      node.simDisk.conditions.heal();
      node.process?.doom(Number.POSITIVE_INFINITY, () => undefined);
      if (node.stateMachine !== null) node.stateMachine.cost = null;
      node.process?.resume();
      if (!this.#forever.has(node)) node.start();
    }
    this.#abortRate = 0;
  }

  /** A process ended by itself, for a good reason: it is started again, or replaced when its data can't be used. */
  onStopped(node: SimNode): void {
    const { cluster, operator, random } = this.#parts;
    const unitMs = timeUnitMs(cluster.settings);
    if (node.isDamaged) {
      node.loseDisk();
      this.#watch(operator.repair(node));
    }
    cluster.timeline.after(random.between(0, 3 * unitMs), () => node.start());
  }

  /** A node that was no member when its data was lost may have become one: its addition was under way. */
  repairOverlooked(): void {
    const { cluster, operator } = this.#parts;
    const members = cluster.membership()?.nodes;
    for (const node of cluster.nodes) {
      const known = members?.get(node.id)?.instanceId ?? null;
      const isOther = known !== null && node.instanceId !== null && node.instanceId !== known;
      if (isOther && !cluster.lost.has(node)) this.#watch(operator.repair(node));
    }
  }

  #perform(item: FaultItem): void {
    if (this.#isOver) return;
    const { cluster, random } = this.#parts;
    const { action, id } = item;
    cluster.trace.note(41, 0, id);
    if (cluster.trace.isOn) cluster.trace.line(null, `FAULT ${JSON.stringify(item)}`);
    this.#act(action, random.fork(id));
  }

  #act(action: FaultAction, random: SimRandom): void {
    switch (action.type) {
      case 'link': {
        const { condition, forMs } = action;
        const applies = this.#select(action.links, random);
        this.#during(forMs, () => this.#parts.cluster.fabric.add({ applies, condition }));
        break;
      }
      case 'partition':
        this.#partition(action, random);
        break;
      case 'flap':
        this.#flap(action, random);
        break;
      case 'impatience':
        this.#during(action.forMs, () => {
          this.#abortRate = action.rate;
          return () => {
            this.#abortRate = 0.05;
          };
        });
        break;
      case 'add-node':
        this.#watch(this.#parts.operator.addNode(action.isVoter));
        break;
      case 'promote':
        this.#watch(this.#parts.operator.promote());
        break;
      case 'add-again':
        this.#watch(this.#parts.operator.addAgain());
        break;
      case 'transfer':
        this.#transfer(action.to, random);
        break;
      default: {
        const node = this.#find(action.target, random);
        if (node !== null) this.#actOn(node, action);
      }
    }
  }

  #actOn(node: SimNode, action: Extract<FaultAction, { target: Target }>): void {
    const { operator } = this.#parts;
    switch (action.type) {
      case 'crash':
        this.#crash(node, action);
        break;
      case 'restart':
        node.shutDown();
        node.onEnd(() => this.#startLater(node, action.downMs));
        break;
      case 'stall':
        node.process?.stall(action.forMs);
        break;
      case 'slow-apply':
        this.#during(action.forMs, () => {
          const { stateMachine } = node;
          if (stateMachine !== null) stateMachine.cost = action;
          return () => {
            if (stateMachine !== null) stateMachine.cost = null;
          };
        });
        break;
      case 'clock-rate':
        node.setClockRate(action.rate);
        break;
      case 'clock-jump':
        node.jumpWallClock(action.byMs);
        break;
      case 'demote':
        this.#watch(operator.demote(node));
        break;
      case 'remove':
        this.#watch(operator.remove(node));
        break;
      case 'replace':
        this.#watch(operator.replace(node));
        break;
      default:
        this.#actOnDisk(node, action);
    }
  }

  #actOnDisk(
    node: SimNode,
    action: ActionOf<
      'disk-slow' | 'disk-full' | 'disk-fail' | 'bit-flip' | 'disk-loss' | 'elect' | 'snapshot' | 'purge'
    >,
  ): void {
    const { conditions } = node.simDisk;
    switch (action.type) {
      case 'disk-slow':
        this.#during(action.forMs, () => {
          conditions.slowDown(action.extraMs);
          return () => conditions.slowDown(0);
        });
        break;
      case 'disk-full':
        this.#during(action.forMs, () => {
          conditions.setFull(true);
          return () => conditions.setFull(false);
        });
        break;
      case 'disk-fail':
        conditions.failOnce(action);
        break;
      case 'bit-flip':
      case 'disk-loss':
        this.#destroy(node, action);
        break;
      case 'elect':
        this.#watch(callNode(node, (kvNode) => kvNode.raft.trigger().elect()));
        break;
      case 'snapshot':
        this.#watch(callNode(node, (kvNode) => kvNode.raft.trigger().snapshot()));
        break;
      default:
        this.#watch(callNode(node, (kvNode) => kvNode.raft.trigger().purgeLog(kvNode.metrics().snapshot.index)));
        break;
    }
  }

  #crash(node: SimNode, { afterCalls, downMs, lateMs = 0 }: ActionOf<'crash'>): void {
    const crash = (): void => {
      node.crash();
      if (downMs === null) this.#forever.add(node);
      else this.#startLater(node, downMs);
    };
    this.#withLastWords(node, lateMs, () => {
      if (afterCalls === 0) crash();
      else node.process?.doom(afterCalls, crash);
    });
  }

  /** What the node sends from now on arrives late; soon after that the end comes. */
  #withLastWords(node: SimNode, lateMs: number, end: () => void): void {
    if (lateMs === 0) {
      end();
      return;
    }
    const { fabric, settings, timeline } = this.#parts.cluster;
    const condition = { delayMinMs: lateMs / 2, delayMaxMs: lateMs };
    const forMs = LAST_WORDS * timeUnitMs(settings);
    this.#during(forMs, () => fabric.add({ applies: (from) => from === node.id, condition }));
    timeline.after(forMs, () => {
      if (!this.#isOver) end();
    });
  }

  /** Only while enough is left: a cluster can't survive the loss of a quorum, and need not. */
  #destroy(node: SimNode, action: ActionOf<'bit-flip' | 'disk-loss'>): void {
    const lateMs = action.type === 'disk-loss' ? (action.lateMs ?? 0) : 0;
    this.#withLastWords(node, lateMs, () => this.#destroyNow(node, action));
  }

  #destroyNow(node: SimNode, action: ActionOf<'bit-flip' | 'disk-loss'>): void {
    const { cluster, operator } = this.#parts;
    if (operator.isShrinking || !cluster.canLose(node, operator.coming)) return;
    node.crash();
    if (action.type === 'bit-flip') node.damageDisk();
    else {
      node.loseDisk();
      this.#watch(operator.repair(node));
    }
    this.#startLater(node, action.downMs);
  }

  #partition({ side, isOneWay, forMs }: ActionOf<'partition'>, random: SimRandom): void {
    const ids = this.#resolve(side, random);
    const applies = (from: NodeId, to: NodeId): boolean => (ids.has(from) ? !ids.has(to) : ids.has(to) && !isOneWay);
    this.#during(forMs, () => this.#parts.cluster.fabric.add({ applies, condition: { isCut: true } }));
  }

  #flap({ links, periodMs, forMs }: ActionOf<'flap'>, random: SimRandom): void {
    const { fabric, timeline } = this.#parts.cluster;
    const rule: LinkRule = { applies: this.#select(links, random), condition: { isCut: true } };
    this.#during(forMs, () => {
      let mend: (() => void) | null = null;
      let isOver = false;
      const turn = (): void => {
        if (isOver) return;
        if (mend === null) mend = fabric.add(rule);
        else {
          mend();
          mend = null;
        }
        timeline.after(random.between(0.5, 1.5) * periodMs, turn);
      };
      turn();
      return () => {
        isOver = true;
        mend?.();
      };
    });
  }

  #transfer(to: Target | null, random: SimRandom): void {
    const node = to === null ? null : this.#find(to, random);
    if (to === null || node !== null) this.#watch(this.#parts.operator.transfer(node));
  }

  #select(links: LinkSelection, random: SimRandom): LinkRule['applies'] {
    if (links.type === 'all') return () => true;
    if (links.type === 'between') {
      const a = this.#find(links.a, random)?.id ?? 0;
      const b = this.#find(links.b, random)?.id ?? 0;
      return (from, to) => (from === a && to === b) || (from === b && to === a);
    }
    const ids = this.#resolve(links.targets, random);
    if (links.type === 'from') return (from) => ids.has(from);
    if (links.type === 'to') return (_from, to) => ids.has(to);
    return (from, to) => ids.has(from) || ids.has(to);
  }

  #resolve(targets: readonly Target[], random: SimRandom): ReadonlySet<NodeId> {
    return new Set(targets.flatMap((target) => this.#find(target, random)?.id ?? []));
  }

  #find(target: Target, random: SimRandom): SimNode | null {
    const { cluster } = this.#parts;
    if (typeof target === 'number') return cluster.has(target) ? cluster.node(target) : null;
    const leader = cluster.leader();
    if (target === 'leader') return leader;
    const others = cluster.upNodes().filter((node) => target === 'any' || node !== leader);
    return others.length === 0 ? null : random.pick(others);
  }

  /** A mistake of the simulator itself must not go unnoticed. */
  #watch(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.#parts.cluster.fail({ message: `the simulator failed: ${message}`, isInvariant: false });
    });
  }

  #startLater(node: SimNode, ms: number): void {
    this.#parts.cluster.timeline.after(ms, () => {
      if (!this.#forever.has(node)) node.start();
    });
  }

  /** Begins something, and ends it after a while, or when everything is healed. */
  #during(forMs: number, begin: () => () => void): void {
    const end = begin();
    const undo = (): void => {
      if (this.#undo.delete(undo)) end();
    };
    this.#undo.add(undo);
    this.#parts.cluster.timeline.after(forMs, undo);
  }
}
