/** Interprets the commands of a script on a cluster of cores. */
import type { NodeId } from '../../src/core/ids.ts';
import type { MembershipChange } from '../../src/core/membership/change.ts';
import type { ClusterInit } from '../support/core-cluster.ts';
import { CoreCluster } from '../support/core-cluster.ts';
import { nodesOf } from '../support/core-kit.ts';
import type { Envelope, TestNodeInit } from '../support/core-node.ts';
import { idText, membershipText, traceEffect, traceEnvelope, traceWrite } from './script-trace.ts';

/** What a command line says after its verb. */
type Verb = (args: readonly string[]) => void;

/** What is recorded by itself, as it happens. */
const SETTINGS = ['messages', 'heartbeats', 'roles', 'writes'] as const;
type Setting = (typeof SETTINGS)[number];

export class ScriptRunner {
  #voters: readonly NodeId[] = [];
  #learners: readonly NodeId[] = [];
  #stores: Record<NodeId, TestNodeInit> = {};
  #options: ClusterInit['options'] = {};
  #cluster: CoreCluster | null = null;
  #trace: ReadonlySet<Setting> = new Set<Setting>(['messages', 'heartbeats', 'roles']);
  #lines: string[] = [];
  #requestId = 0;
  readonly #dropped: { readonly from: NodeId; readonly to: NodeId; readonly type: string }[] = [];
  readonly #verbs: Readonly<Record<string, Verb>> = {
    // The cluster: before anything happens.
    cluster: (args) => this.#define(args),
    log: (args) => this.#setLog(args),
    term: ([id, , term]) => this.#setStore(Number(id), { hardState: { term: Number(term), votedFor: null } }),
    option: ([name, value]) => {
      this.#options = {
        ...this.#options,
        [String(name)]: value === 'on' ? true : value === 'off' ? false : Number(value),
      };
    },
    trace: (args) => {
      this.#trace = new Set(SETTINGS.filter((setting) => args.includes(setting)));
    },
    // Requests.
    elect: ([id]) => this.#node(id).campaign(),
    propose: ([id, ...texts]) => this.#node(id).propose(...texts),
    change: ([id, ...args]) => this.#node(id).change(this.#nextId(), parseChange(args), args.includes('retain')),
    transfer: ([id, to]) => this.#node(id).step({ type: 'transfer', id: this.#nextId(), to: Number(to) }),
    read: ([id, policy]) =>
      this.#node(id).step({ type: 'read', id: this.#nextId(), policy: policy === 'lease' ? 'lease' : 'read-index' }),
    snapshot: ([id]) => this.#node(id).buildSnapshot(),
    // The network.
    deliver: (args) => this.#deliver(args),
    cut: (args) => eachLink(args, (from, to) => this.#running.cut(from, to)),
    hold: (args) => eachLink(args, (from, to) => this.#running.hold(from, to)),
    release: (args) => eachLink(args, (from, to) => this.#running.release(from, to)),
    drop: ([type, ...links]) => eachLink(links, (from, to) => this.#dropped.push({ from, to, type: String(type) })),
    lose: (args) => eachLink(args, (from, to) => this.#running.drop((one) => one.from === from && one.to === to)),
    isolate: ([id]) => this.#running.isolate(Number(id)),
    heal: ([id]) => this.#heal(id),
    // Time.
    tick: ([ms]) => this.#running.advance(Number(ms)),
    pass: ([ms]) => this.#running.skip(Number(ms)),
    // Faults.
    crash: ([id]) => this.#running.crash(Number(id)),
    restart: ([id]) => this.#running.restart(Number(id)),
    'hold-disk': ([id]) => this.#node(id).holdDisk(),
    'release-disk': ([id]) => this.#node(id).releaseDisk(),
    // What is printed on request.
    show: ([what, id]) => this.#show(String(what), id),
  };

  /** Executes one line; returns what is to be recorded. */
  run(line: string): readonly string[] {
    const [verb = '', ...args] = line.trim().split(/\s+/);
    const execute = this.#verbs[verb];
    if (execute === undefined) throw new Error(`unknown command: ${line}`);
    this.#lines = [];
    execute(args);
    return this.#lines;
  }

  get #running(): CoreCluster {
    this.#cluster ??= this.#start();
    return this.#cluster;
  }

  #node(id: string | undefined): ReturnType<CoreCluster['node']> {
    return this.#running.node(Number(id));
  }

  #nextId(): number {
    this.#requestId += 1;
    return this.#requestId;
  }

  #define(args: readonly string[]): void {
    const split = args.includes('learners') ? args.indexOf('learners') : args.length;
    this.#voters = args.slice(0, split).map(Number);
    this.#learners = args.slice(split + 1).map(Number);
    this.#stores = {};
    this.#options = {};
    this.#cluster = null;
    this.#dropped.length = 0;
  }

  /** `log 1 = [1,1,2] commit 2` */
  #setLog([id, , terms, , committed]: readonly string[]): void {
    const logTerms = (terms ?? '').replaceAll(/[[\]]/g, '').split(',').filter(Boolean).map(Number);
    this.#setStore(Number(id), { logTerms, committed: Number(committed ?? 0) });
  }

  #setStore(id: NodeId, init: TestNodeInit): void {
    if (this.#cluster !== null) throw new Error('what is stored is said before anything happens');
    this.#stores[id] = { ...this.#stores[id], ...init };
  }

  #start(): CoreCluster {
    const init = { voters: this.#voters, learners: this.#learners, nodes: this.#stores };
    const cluster = new CoreCluster({ ...init, options: this.#options ?? {} });
    cluster.filter = (envelope) => !this.#dropped.some((rule) => isMatch(rule, envelope));
    cluster.onArrival = (envelope, isLost) => {
      if (this.#trace.has(isHeartbeat(envelope) ? 'heartbeats' : 'messages'))
        this.#lines.push(traceEnvelope(envelope, isLost));
    };
    for (const node of cluster.nodes.values()) {
      node.onEffect = (effect) => {
        const write = this.#trace.has('writes') ? traceWrite(node.id, effect) : null;
        const line = this.#trace.has('roles') ? traceEffect(node.id, effect) : null;
        this.#lines.push(...[write, line].filter((text) => text !== null));
      };
    }
    return cluster;
  }

  /** `deliver`: all that is under way and all that follows; `once`: no answers; links: nothing on other ones. */
  #deliver(args: readonly string[]): void {
    const isOnce = args[0] === 'once';
    const links = new Set<string>();
    eachLink(isOnce ? args.slice(1) : args, (from, to) => links.add(`${from}>${to}`));
    if (links.size === 0 && !isOnce) {
      this.#running.deliver();
      return;
    }
    const accept = ({ from, to }: Envelope): boolean => links.size === 0 || links.has(`${from}>${to}`);
    while (this.#running.deliverOnce(accept) > 0 && !isOnce);
  }

  #heal(id: string | undefined): void {
    this.#running.heal(id === undefined ? undefined : Number(id));
    this.#dropped.length = 0;
  }

  #show(what: string, id: string | undefined): void {
    const nodes = [...this.#running.nodes.values()];
    switch (what) {
      case 'logs':
        for (const node of nodes) {
          const start = node.disk.log.purged.index > 0 ? `(..${idText(node.disk.log.purged)}) ` : '';
          this.#lines.push(`${node.id}: ${start}[${node.logTerms.join(',')}] commit=${node.commitIndex}`);
        }
        break;
      case 'roles':
        for (const { id: own, role, term, core, isAlive } of nodes) {
          const leader = role === 'leader' || core.state.leaderId === null ? '' : ` of ${core.state.leaderId}`;
          this.#lines.push(isAlive ? `${own}: ${role}${leader}, term ${term}` : `${own}: down`);
        }
        break;
      case 'applied':
        for (const node of nodes) this.#lines.push(`${node.id}: ${node.appliedTexts.join(' ') || '-'}`);
        break;
      case 'membership':
        for (const node of nodes) {
          this.#lines.push(`${node.id}: ${membershipText(node.core.state.membership.effective.membership)}`);
        }
        break;
      case 'progress':
        this.#showProgress(id);
        break;
      default:
        throw new Error(`nothing to show: ${what}`);
    }
  }

  #showProgress(id: string | undefined): void {
    const { role } = this.#node(id).core.state;
    if (role.name !== 'leader') throw new Error(`node ${id} does not lead`);
    for (const { peer, state, matchIndex, nextIndex, isPaused, inflights } of role.leader.progress.values()) {
      const waits = isPaused ? ' paused' : '';
      const inflight = inflights.count === 0 ? '' : ` inflight=${inflights.count}`;
      this.#lines.push(`${peer}: ${state} match=${matchIndex} next=${nextIndex}${inflight}${waits}`);
    }
  }
}

function isHeartbeat({ cargo }: Envelope): boolean {
  return (
    cargo.type === 'message' &&
    (cargo.message.type === 'heartbeat-request' || cargo.message.type === 'heartbeat-response')
  );
}

function isMatch(rule: { from: NodeId; to: NodeId; type: string }, { from, to, cargo }: Envelope): boolean {
  const type = cargo.type === 'message' ? cargo.message.type : cargo.type;
  return rule.from === from && rule.to === to && rule.type === type;
}

/** `1>2` is one direction, `1-2` both. */
function eachLink(args: readonly string[], use: (from: NodeId, to: NodeId) => void): void {
  for (const arg of args) {
    const [a, direction, b] = arg.split(/([->])/);
    use(Number(a), Number(b));
    if (direction === '-') use(Number(b), Number(a));
  }
}

/** `voters 2,3`, `learners 4`, `remove-learners 4`. */
function parseChange([kind, list]: readonly string[]): MembershipChange {
  const ids = (list ?? '').split(',').map(Number);
  if (kind === 'voters') return { type: 'replace-all-voters', ids };
  if (kind === 'learners') return { type: 'add-nodes', nodes: nodesOf(ids) };
  if (kind === 'remove-learners') return { type: 'remove-nodes', ids };
  throw new Error(`unknown change: ${kind}`);
}
