/** Clients that work at the same time, each with one operation after the other. */
import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { SeededRandom } from '../nemesis/seeded-random.ts';
import type { CallOutcome } from './call-node.ts';
import { callNode } from './call-node.ts';
import type { ClientSetup, ClientTarget, OperationCounts } from './client-commands.ts';
import type { HistoryFile } from './history-file.ts';
import type { ClientInput, ClientOutput, OperationRequest, ReadLevel } from './operation.ts';
import { isRead } from './operation.ts';
import { Workload } from './workload.ts';

/** Clients mostly stay with a node, and leave it when it fails them. */
const MOVE_CHANCE = 0.02;

/** After a failure: an attempt that fails at once is not to be repeated thousands of times. */
const FAILURE_PAUSE_MS = 50;

/** For the reads at the end: the cluster is whole then, but perhaps still busy. */
const FINAL_ATTEMPTS = 10;
const FINAL_PAUSE_MS = 500;

export class Clients {
  readonly #setup: ClientSetup;
  readonly #history: HistoryFile;
  readonly #targets: Map<number, ClientTarget>;
  readonly #workload: Workload;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  readonly #working: readonly Promise<void>[];
  #counts = { ok: 0, failed: 0, unknown: 0 };
  #isStopping = false;

  /** `targets`: by place; it is read again before each operation. */
  constructor(setup: ClientSetup, history: HistoryFile, targets: Map<number, ClientTarget>) {
    this.#setup = setup;
    this.#history = history;
    this.#targets = targets;
    this.#workload = new Workload(setup.seed);
    this.#working = Array.from({ length: setup.clients }, (_, client) => this.#work(client));
  }

  get counts(): OperationCounts {
    return this.#counts;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#working);
  }

  /** Lists all that was ever written, through the node of that place. */
  async readAll(place: number): Promise<{ readonly lists: number; readonly problem: string | null }> {
    const { prefixes } = this.#workload;
    for (const prefix of prefixes) {
      const problem = await this.#readFinally(place, prefix);
      if (problem !== null) return { lists: prefixes.length, problem };
    }
    return { lists: prefixes.length, problem: null };
  }

  /** Every attempt is an operation of its own. */
  async #readFinally(place: number, prefix: string): Promise<string | null> {
    let problem = 'there is no such node';
    for (let attempt = 0; attempt < FINAL_ATTEMPTS; attempt += 1) {
      const target = this.#targets.get(place);
      if (target === undefined) return problem;
      const input: ClientInput = { type: 'list', prefix };
      const outcome = await this.#perform(`final ${place + 1}`, target, { input, level: 'linearizable' });
      if (outcome.type === 'ok') return null;
      problem = `list ${prefix} through node ${target.nodeId}: ${outcome.code}`;
      await delay(FINAL_PAUSE_MS);
    }
    return problem;
  }

  async #work(client: number): Promise<void> {
    const { seed, clients, ratePerSecond } = this.#setup;
    const random = new SeededRandom(seed, `client ${client}`);
    const meanMs = (clients * 1000) / ratePerSecond;
    let place = client;
    let nextMs = performance.now() + random.next() * meanMs;
    while (!this.#isStopping) {
      // Who was held up does not catch up: the pause after an outage is no reason for a flood.
      nextMs = Math.max(nextMs, performance.now() - meanMs);
      await delay(Math.max(0, nextMs - performance.now()));
      nextMs += 2 * random.next() * meanMs;
      const places = [...this.#targets.keys()];
      const target = this.#targets.get(places[place % places.length] ?? 0);
      if (target === undefined) continue;
      const outcome = await this.#perform(`c${client + 1}`, target, this.#workload.next());
      if (outcome.type !== 'ok') await delay(FAILURE_PAUSE_MS);
      if (outcome.type !== 'ok' || random.isChance(MOVE_CHANCE)) place += random.between(1, places.length);
    }
  }

  async #perform(
    process: string,
    target: ClientTarget,
    { input, level }: { readonly input: ClientInput; readonly level: ReadLevel },
  ): Promise<CallOutcome> {
    const { nodeId } = target;
    const { id, open } = this.#history.invoke(process, input, isRead(input) ? { nodeId, level } : { nodeId });
    const operation: OperationRequest = { id, input, level };
    const outcome = await callNode(operation, { agent: this.#agent, target, run: this.#setup.run });
    this.#counts = { ...this.#counts, [outcome.type]: this.#counts[outcome.type] + 1 };
    if (outcome.type === 'ok') {
      this.#history.end(() => open.ok(outcome.output), {});
      this.#see(input, outcome.output);
    } else {
      this.#history.end(() => (outcome.type === 'failed' ? open.fail() : open.unknown()), { code: outcome.code });
    }
    return outcome;
  }

  #see(input: ClientInput, output: ClientOutput): void {
    if (input.type === 'get') this.#workload.see(input.key, output);
    else if (input.type === 'put') this.#workload.see(input.key, input.value);
    else if (input.type === 'cas' && output === true) this.#workload.see(input.key, input.to);
  }
}
