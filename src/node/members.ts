/** Changes of the membership, with all that makes them safe to call. */
import type { NodeId } from '../core/ids.ts';
import type { MembershipChange } from '../core/membership/change.ts';
import type { JsonValue } from '../core/membership/membership.ts';
import { isVoter } from '../core/membership/membership.ts';
import { ConsensusError, MembershipError } from '../errors.ts';
import type { CallOptions } from '../raft/call-options.ts';
import { CallBudget } from '../raft/call-options.ts';
import { catchUp } from '../raft/learner-catch-up.ts';
import { basicNode, checkNode } from '../raft/node-info.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { checkAdmission } from './admission-check.ts';
import { isCoreLeader, notLeaderError } from './leadership.ts';
import { retry } from './retry.ts';

export interface AddMemberOptions extends CallOptions {
  /** The application's own data about the node, kept in the membership. Default: what is known, or `null`. */
  readonly metadata?: JsonValue | undefined;
}

export interface AddLearnerOptions extends AddMemberOptions {
  /** Wait until the learner has caught up. Default true. */
  readonly blocking?: boolean | undefined;
}

export class Members {
  readonly #runtime: Runtime;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  async addLearner(nodeId: NodeId, address: string, options: AddLearnerOptions): Promise<void> {
    await this.#addLearner(
      { nodeId, address, metadata: options.metadata },
      options.blocking ?? true,
      this.#budget(options),
    );
  }

  /** The vote is given in one change that the leader plans itself: concurrent calls don't undo each other. */
  async addVoter(nodeId: NodeId, address: string, options: AddMemberOptions): Promise<void> {
    const budget = this.#budget(options);
    await this.#addLearner({ nodeId, address, metadata: options.metadata }, true, budget);
    await this.#change(budget, () => ({ type: 'add-voter-ids', ids: [nodeId] }));
  }

  async replaceVoters(ids: readonly NodeId[], retain: boolean, options: CallOptions): Promise<void> {
    await this.#change(this.#budget(options), () => ({ type: 'replace-all-voters', ids }), retain);
  }

  async remove(nodeId: NodeId, options: CallOptions): Promise<void> {
    await this.#change(this.#budget(options), () => {
      const { membership } = this.#runtime.core.state.membership.effective;
      if (isVoter(membership, nodeId)) return { type: 'remove-voters', ids: [nodeId] };
      if (membership.nodes.has(nodeId)) return { type: 'remove-nodes', ids: [nodeId] };
      const members = [...membership.nodes.keys()].join(', ');
      throw new MembershipError(`node ${nodeId} is not a member; the members are ${members}`);
    });
  }

  async #addLearner(
    { nodeId, address, metadata }: { nodeId: NodeId; address: string; metadata: JsonValue | undefined },
    isBlocking: boolean,
    budget: CallBudget,
  ): Promise<void> {
    const runtime = this.#runtime;
    checkNode(nodeId, address);
    this.#requireLeader();
    const { instanceId } = await checkAdmission(runtime, { nodeId, address }, budget);
    await this.#change(budget, () => {
      const known = runtime.core.state.membership.effective.membership.nodes.get(nodeId);
      const node = basicNode({ addr: address, instanceId, metadata: metadata ?? known?.metadata });
      // The node itself said that it is the known member: it may have moved to another address.
      return { type: known === undefined ? 'add-nodes' : 'set-nodes', nodes: new Map([[nodeId, node]]) };
    });
    if (isBlocking && nodeId !== runtime.parts.nodeId) await catchUp(runtime, nodeId, budget);
  }

  /** While another change is under way nothing is appended: this one waits for its turn. */
  async #change(budget: CallBudget, makeChange: () => MembershipChange, retain: boolean = false): Promise<void> {
    const runtime = this.#runtime;
    const mayRetry = (error: unknown): boolean => ConsensusError.is(error) && error.code === 'CHANGE_IN_PROGRESS';
    const hasNews = (): boolean => !this.#isChanging();
    await retry({ runtime, budget, mayRetry, hasNews }, async () => {
      this.#requireLeader();
      await runtime.changes.changeMembership(makeChange(), retain, budget.rest);
    });
  }

  /** Is a change under way that this leader would refuse another one for? */
  #isChanging(): boolean {
    const { role, membership, commitIndex } = this.#runtime.core.state;
    if (role.name !== 'leader') return false;
    return membership.effective !== membership.committed || commitIndex < role.leader.blankIndex;
  }

  #requireLeader(): void {
    if (!isCoreLeader(this.#runtime)) throw notLeaderError(this.#runtime);
  }

  #budget(options: CallOptions): CallBudget {
    const { clock, config } = this.#runtime.parts;
    return new CallBudget(clock, options, config.proposeTimeoutMs);
  }
}
