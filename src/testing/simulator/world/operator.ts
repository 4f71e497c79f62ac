/**
 * Who looks after a simulated cluster: forms it, changes its members when the schedule says so, starts what has stopped
 * and replaces what is lost. Uses what an operator has: the calls of `ConsensusNode`, with deadlines and retries.
 */
import type { NodeId, Term } from '../../../core/ids.ts';
import { learnerIds, voterIds } from '../../../core/membership/membership.ts';
import { addressOf } from '../network/addresses.ts';
import { timeUnitMs } from '../settings.ts';
import type { SimRandom } from '../time/sim-random.ts';
import type { NodeAnswer } from './call-node.ts';
import { callNode } from './call-node.ts';
import type { SimCluster } from './sim-cluster.ts';
import type { KvNode, SimNode } from './sim-node.ts';

/** A leader, as it was when it was asked for something. */
interface Asked {
  readonly leader: SimNode;
  readonly life: number;
  readonly term: Term;
}

/** How often a node that lost its data tries to come back. */
const JOIN_ATTEMPTS = 5;

/** More nodes than this are never made. */
const NODES_MAX = 12;

export class Operator {
  readonly #cluster: SimCluster;
  readonly #unitMs: number;
  readonly #random: SimRandom;
  #jobs = 0;
  /** Removed members that may come back. */
  readonly #removed = new Set<SimNode>();
  /** Leaders that were asked to make the cluster smaller, and may do so yet. */
  readonly #shrinking = new Set<Asked>();
  /** Leaders that were asked to make a node a voter, and may do so yet. */
  readonly #growing = new Map<Asked, NodeId>();

  constructor(cluster: SimCluster, random: SimRandom) {
    this.#cluster = cluster;
    this.#random = random;
    this.#unitMs = timeUnitMs(cluster.settings);
  }

  /** Is something of what the operator was asked to do still under way? */
  get isBusy(): boolean {
    return this.#jobs > 0 || this.#cluster.lost.size > 0;
  }

  /** May the cluster get smaller without a further call? Then no node's data may be taken away. */
  get isShrinking(): boolean {
    for (const asked of this.#shrinking) if (!isStillLeading(asked)) this.#shrinking.delete(asked);
    return this.#shrinking.size > 0;
  }

  /** Who may become a voter without a further call: its data counts as if it were one. */
  get coming(): readonly NodeId[] {
    for (const asked of this.#growing.keys()) if (!isStillLeading(asked)) this.#growing.delete(asked);
    return [...new Set(this.#growing.values())];
  }

  /** Makes the first nodes a cluster, however often that has to be tried. */
  async form(count: number): Promise<void> {
    const nodes = Array.from({ length: count }, () => this.#cluster.addNode());
    for (const node of nodes) node.start();
    const [first] = nodes;
    if (first === undefined) return;
    const { isGrownOneByOne } = this.#cluster.settings;
    const founders = isGrownOneByOne ? [first] : nodes;
    await this.#until(async () => {
      if (first.core !== null && first.core.log.lastIndex > 0) return true;
      if (!founders.every(({ isUp }) => isUp)) return false;
      const members = new Map(founders.map(({ id, instanceId }) => [id, { addr: addressOf(id), instanceId }]));
      const answer = await callNode(first, (node) => node.raft.initialize(members, { timeoutMs: this.#patienceMs }));
      return answer.isOk || answer.code === 'ALREADY_INITIALIZED';
    });
    for (const { id } of isGrownOneByOne ? nodes.slice(1) : []) {
      await this.#until(() => this.#join(id));
    }
  }

  /** Starts a new machine and adds it. */
  async addNode(isVoter: boolean): Promise<void> {
    const node = this.#newNode();
    if (node === null) return;
    await this.#job(async () => {
      if (isVoter) await this.#addVoter(node.id);
      else await this.#addLearner(node.id);
    });
  }

  async promote(): Promise<void> {
    const membership = this.#cluster.membership();
    const learners = membership === null ? [] : learnerIds(membership);
    if (learners.length === 0) return;
    const id = this.#random.pick(learners);
    await this.#job(async () => {
      await this.#addVoter(id);
    });
  }

  async demote(node: SimNode): Promise<void> {
    const membership = this.#cluster.membership();
    const voters = membership === null ? [] : voterIds(membership);
    const left = voters.filter((id) => id !== node.id);
    if (left.length === voters.length || !this.#mayRemove(node.id)) return;
    await this.#job(async () => {
      await this.#shrink((leader) => leader.changeMembership(left, { retain: true, timeoutMs: this.#patienceMs }));
    });
  }

  /** Leaves one voter at least. */
  async remove(node: SimNode): Promise<void> {
    if (!this.#mayRemove(node.id)) return;
    await this.#job(async () => {
      const answer = await this.#shrink((leader) => leader.removeMember(node.id, { timeoutMs: this.#patienceMs }));
      if (answer.isOk) this.#removed.add(node);
    });
  }

  /** Brings back a member that was removed, with the disk that it had. */
  async addAgain(): Promise<void> {
    const candidates = [...this.#removed].filter((node) => node.isUp && !this.#cluster.lost.has(node));
    if (candidates.length === 0) return;
    const node = this.#random.pick(candidates);
    await this.#job(async () => {
      const answer = await this.#addVoter(node.id);
      if (answer.isOk) this.#removed.delete(node);
    });
  }

  async replace(node: SimNode): Promise<void> {
    if (!this.#mayRemove(node.id)) return;
    await this.#job(() => this.#replace(node));
  }

  async transfer(to: SimNode | null): Promise<void> {
    await this.#job(async () => {
      await this.#atLeader((leader) => leader.transferLeadership(to?.id ?? null, { timeoutMs: this.#patienceMs }));
    });
  }

  /**
   * The node's data is lost, or can't be read any more: another one takes its place, or it joins anew under its id. Until
   * it is no member any more, this goes on.
   */
  async repair(node: SimNode): Promise<void> {
    if (this.#cluster.lost.has(node)) return;
    this.#cluster.lost.add(node);
    const joinsAnew = this.#random.chance(0.5);
    let isReplaced = joinsAnew;
    await this.#until(async () => {
      if (!this.#isMember(node.id)) return true;
      if (!isReplaced) isReplaced = await this.#addReplacement(node);
      const answer = await this.#atLeader((leader) => leader.removeMember(node.id, { timeoutMs: this.#patienceMs }));
      return answer.isOk || !this.#isMember(node.id);
    });
    this.#cluster.lost.delete(node);
    if (!joinsAnew) return;
    await this.#job(async () => {
      for (let attempt = 0; attempt < JOIN_ATTEMPTS; attempt += 1) {
        if (this.#cluster.lost.has(node) || (await this.#join(node.id))) return;
        await this.#cluster.after(this.#random.between(0.1, 1) * this.#unitMs);
      }
    });
  }

  /** A node that lost its disk on the way must leave first. */
  async #join(id: NodeId): Promise<boolean> {
    const answer = await this.#addVoter(id);
    if (!answer.isOk && answer.code === 'PEER_REFUSED') {
      await this.#atLeader((leader) => leader.removeMember(id, { timeoutMs: this.#patienceMs }));
    }
    return answer.isOk;
  }

  async #replace(node: SimNode): Promise<void> {
    if ((await this.#addReplacement(node)) && this.#mayRemove(node.id)) {
      await this.#shrink((leader) => leader.removeMember(node.id, { timeoutMs: this.#patienceMs }));
    }
  }

  /** A learner takes the place of a learner, a voter that of a voter. Without a spare machine the cluster shrinks. */
  async #addReplacement(node: SimNode): Promise<boolean> {
    const membership = this.#cluster.membership();
    const isVoter = membership?.configs.some((config) => config.includes(node.id)) === true;
    const spare = this.#newNode();
    if (spare === null) return true;
    const answer = await (isVoter ? this.#addVoter(spare.id) : this.#addLearner(spare.id));
    return answer.isOk;
  }

  #newNode(): SimNode | null {
    const { nodes } = this.#cluster;
    const idle = nodes.find(
      (node) => node.isUp && node.core !== null && node.core.log.lastIndex === 0 && !this.#isMember(node.id),
    );
    if (idle !== undefined) return idle;
    if (nodes.length >= NODES_MAX) return null;
    const node = this.#cluster.addNode();
    node.start();
    return node;
  }

  /** Calls whoever leads, and remembers that it may still do as it was told when it has not answered. */
  async #addVoter(id: NodeId): Promise<NodeAnswer<void>> {
    const asked = this.#asked();
    if (asked !== null) this.#growing.set(asked, id);
    const options = { timeoutMs: this.#patienceMs };
    const answer = await this.#atLeader((leader) => leader.addVoter(id, addressOf(id), options));
    const isOpen = !answer.isOk && (answer.code === 'INDETERMINATE' || answer.code === 'TIMEOUT');
    if (asked !== null && !isOpen) this.#growing.delete(asked);
    return answer;
  }

  #addLearner(id: NodeId): Promise<NodeAnswer<void>> {
    const blocking = this.#random.chance(0.5);
    return this.#atLeader((leader) => leader.addLearner(id, addressOf(id), { blocking, timeoutMs: this.#patienceMs }));
  }

  #asked(): Asked | null {
    const leader = this.#cluster.leader();
    const term = leader?.core?.hardState.term;
    return leader === null || term === undefined ? null : { leader, life: leader.life, term };
  }

  /** Also one whose addition is not committed yet, as far as the leader knows. */
  #isMember(id: NodeId): boolean {
    const decided = this.#cluster.membership();
    const planned = this.#cluster.leader()?.core?.membership.effective.membership;
    // A cluster that is being formed may have it.
    return decided === null || decided.nodes.has(id) || planned?.nodes.has(id) === true;
  }

  /** Voters that must stay: one, so that there is a cluster; more, if the data of some is lost. */
  #mayRemove(id: NodeId): boolean {
    const cluster = this.#cluster;
    const sets = cluster.voterSets();
    const isGone = (other: NodeId): boolean => cluster.has(other) && cluster.isLost(cluster.node(other));
    if (this.isShrinking && cluster.nodes.some((node) => cluster.isLost(node))) return false;
    return (
      sets.length > 0 &&
      sets.every((set) => {
        const left = set.filter((other) => other !== id);
        return 2 * left.filter((other) => !isGone(other)).length > left.length;
      })
    );
  }

  /** Calls whoever leads, and remembers that it may still do as it was told when it has not answered. */
  async #shrink<T>(call: (leader: KvNode) => Promise<T>): Promise<NodeAnswer<T>> {
    const asked = this.#asked();
    if (asked !== null) this.#shrinking.add(asked);
    const answer = await this.#atLeader(call);
    if (asked !== null && (answer.isOk || answer.code !== 'INDETERMINATE')) this.#shrinking.delete(asked);
    return answer;
  }

  /** Calls whoever leads. */
  async #atLeader<T>(call: (leader: KvNode) => Promise<T>): Promise<NodeAnswer<T>> {
    const leader = this.#cluster.leader();
    if (leader === null) return { isOk: false, code: 'NO_LEADER', message: 'nobody leads' };
    const answer = await callNode(leader, call);
    const { trace } = this.#cluster;
    if (trace.isOn)
      trace.line(leader.id, `the operator is told ${answer.isOk ? 'ok' : `${answer.code}: ${answer.message}`}`);
    if (!answer.isOk && answer.code === 'UNEXPECTED') {
      this.#cluster.fail({ message: `a call of the operator failed: ${answer.message}`, isInvariant: false });
    }
    return answer;
  }

  async #job(work: () => Promise<void>): Promise<void> {
    this.#jobs += 1;
    await work();
    this.#jobs -= 1;
  }

  /** Tries until it works. */
  async #until(attempt: () => Promise<boolean>): Promise<void> {
    this.#jobs += 1;
    while (!(await attempt())) await this.#cluster.after(this.#random.between(0.1, 1) * this.#unitMs);
    this.#jobs -= 1;
  }

  get #patienceMs(): number {
    return 5 * this.#unitMs;
  }
}

function isStillLeading({ leader, life, term }: Asked): boolean {
  const { core } = leader;
  return leader.life === life && core?.role.name === 'leader' && core.hardState.term === term;
}
