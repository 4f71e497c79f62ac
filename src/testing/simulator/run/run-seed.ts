/** Runs one seed from its start to its end. */

import { violationText } from '../../linearizability/render/violation-text.ts';
import { ClientCalls } from '../clients/client-calls.ts';
import { SimClient } from '../clients/sim-client.ts';
import { checkCalls } from '../kv/kv-model.ts';
import { checkQuorumLeft } from '../schedule/check-schedule.ts';
import { Director } from '../schedule/director.ts';
import { drawSchedule } from '../schedule/draw-schedule.ts';
import type { FaultItem } from '../schedule/fault-item.ts';
import { FAULT_KINDS } from '../schedule/fault-item.ts';
import type { SimSettings } from '../settings.ts';
import { drawSettings, timeUnitMs } from '../settings.ts';
import { SimRandom } from '../time/sim-random.ts';
import { StandstillError } from '../time/timeline.ts';
import { Operator } from '../world/operator.ts';
import { SimCluster } from '../world/sim-cluster.ts';
import { HealedPhase, LivenessFailure, StateMismatch } from './healed-phase.ts';
import type { SimCounts, SimOptions, SimOutcome, SimResult } from './sim-options.ts';
import { DEFAULT_DURATION_MS } from './sim-options.ts';

/**
 * Runs a whole cluster in virtual time under the faults that follow from the seed, then without faults. The same options
 * give the same result, down to the fingerprint. One run at a time in a process.
 * @throws ScheduleError when the given schedule leaves no quorum in the healed phase
 */
export async function runSeed(options: SimOptions): Promise<SimResult> {
  return await new SeedRun(options).run();
}

interface Verdict {
  readonly outcome: SimOutcome;
  readonly property: string | null;
  readonly message: string | null;
}

const OK: Verdict = Object.freeze({ outcome: 'ok', property: null, message: null });

class SeedRun {
  readonly #seed: number;
  readonly #random: SimRandom;
  readonly #settings: SimSettings;
  readonly #durationMs: number;
  readonly #schedule: readonly FaultItem[];
  readonly #cluster: SimCluster;
  readonly #operator: Operator;
  readonly #director: Director;
  readonly #calls: ClientCalls;
  readonly #clients: readonly SimClient[];
  readonly #checksLinearizability: boolean;
  #verdict: Verdict | null = null;

  constructor(options: SimOptions) {
    const { seed, nodes = null, durationMs = DEFAULT_DURATION_MS, faults = FAULT_KINDS, intensity = 1 } = options;
    this.#seed = seed;
    this.#checksLinearizability = options.checksLinearizability ?? false;
    this.#random = new SimRandom(`seed-${seed}`);
    this.#settings = drawSettings(this.#random.fork('settings'), nodes);
    this.#durationMs = durationMs;
    const draw = { settings: this.#settings, durationMs, kinds: faults, intensity };
    if (options.schedule !== undefined) checkQuorumLeft(options.schedule, this.#settings.nodes);
    this.#schedule = options.schedule ?? drawSchedule(this.#random.fork('schedule'), draw);
    this.#cluster = new SimCluster(this.#settings, this.#random, options.trace ?? null);
    this.#operator = new Operator(this.#cluster, this.#random.fork('operator'));
    const shared = { cluster: this.#cluster, operator: this.#operator };
    this.#director = new Director({ ...shared, random: this.#random.fork('director'), schedule: this.#schedule });
    this.#cluster.onStopped = (node) => this.#director.onStopped(node);
    this.#calls = new ClientCalls({
      ...this.#cluster,
      onUnexpected: (message) => this.#cluster.fail({ message, isInvariant: false }),
    });
    this.#clients = Array.from({ length: this.#settings.clients }, (_, position) => this.#makeClient(position + 1));
  }

  async run(): Promise<SimResult> {
    const { timeline, trace } = this.#cluster;
    trace.line(null, `seed ${this.#seed} ${JSON.stringify(this.#settings)}`);
    this.#script().then(
      () => this.#end(OK),
      (error: unknown) => this.#end(verdictOf(error)),
    );
    await timeline.run(Number.POSITIVE_INFINITY).catch((error: unknown) => this.#end(verdictOf(error)));
    const verdict = this.#judge();
    const isChecked = this.#checksLinearizability && (verdict.outcome === 'ok' || verdict.outcome === 'safety');
    return this.#result(verdict, isChecked ? checkCalls(this.#calls.history, this.#calls.open) : null);
  }

  async #script(): Promise<void> {
    const unitMs = timeUnitMs(this.#settings);
    const formed = this.#operator.form(this.#settings.nodes);
    // Some clusters are disturbed from the start.
    if (this.#random.fork('start').chance(0.7)) await formed;
    for (const client of this.#clients) client.start();
    this.#director.start();
    await this.#cluster.after(this.#durationMs);
    this.#director.heal();
    // Clients see the end of the faults, too.
    await this.#cluster.after(2 * unitMs);
    for (const client of this.#clients) client.stop();
    const healed = {
      cluster: this.#cluster,
      operator: this.#operator,
      calls: this.#calls,
      forever: this.#director.forever,
      repairOverlooked: () => this.#director.repairOverlooked(),
    };
    await new HealedPhase(healed).run();
  }

  #makeClient(id: number): SimClient {
    return new SimClient({
      id,
      timeline: this.#cluster.timeline,
      random: this.#random.fork(`client-${id}`),
      settings: this.#settings,
      calls: this.#calls,
      upNodes: () => this.#cluster.upNodes(),
      abortRate: () => this.#director.abortRate,
      onError: (error) => this.#cluster.fail({ message: `the simulator failed: ${textOf(error)}`, isInvariant: false }),
    });
  }

  #end(verdict: Verdict): void {
    this.#verdict ??= verdict;
    this.#cluster.timeline.halt();
  }

  /** What the oracles found comes first: everything else may follow from it. */
  #judge(): Verdict {
    const { board, failure } = this.#cluster;
    if (board.violation !== null) {
      return { outcome: 'safety', property: board.violation.property, message: board.violation.message };
    }
    if (failure !== null) {
      const { isInvariant, message } = failure;
      return {
        outcome: isInvariant ? 'safety' : 'crash',
        property: isInvariant ? 'invariants of the core' : 'no crash',
        message,
      };
    }
    return this.#verdict ?? { outcome: 'liveness', property: 'time goes on', message: 'nothing is left to happen' };
  }

  #result(judged: Verdict, linearizability: SimResult['linearizability']): SimResult {
    const { timeline, trace } = this.#cluster;
    const verdict = withLinearizability(judged, linearizability);
    trace.line(null, `END ${verdict.outcome} ${verdict.message ?? ''}`);
    return {
      seed: this.#seed,
      ...verdict,
      atMs: timeline.nowMs,
      hash: trace.hash,
      steps: timeline.steps,
      settings: this.#settings,
      durationMs: this.#durationMs,
      schedule: this.#schedule,
      history: this.#calls.history,
      counts: this.#counts(),
      linearizability,
    };
  }

  #counts(): SimCounts {
    const { nodes, board } = this.#cluster;
    const count = (outcome: string): number => this.#calls.history.filter((call) => call.outcome === outcome).length;
    return {
      ok: count('ok'),
      failed: count('failed'),
      unknown: count('unknown'),
      committed: board.committed.lastIndex,
      starts: nodes.reduce((sum, { life }) => sum + life, 0),
      terms: Math.max(0, ...nodes.map(({ disk }) => disk.hardState.term)),
      memberships: board.committed.membershipCount,
    };
  }
}

/** Finds nothing that the oracles would not, unless they are wrong. What they found says more. */
function withLinearizability(verdict: Verdict, result: SimResult['linearizability']): Verdict {
  if (verdict.outcome !== 'ok' || result?.verdict !== 'violation') return verdict;
  return { outcome: 'safety', property: 'linearizability', message: violationText(result.violation) };
}

function verdictOf(error: unknown): Verdict {
  if (error instanceof LivenessFailure)
    return { outcome: 'liveness', property: error.property, message: error.message };
  if (error instanceof StandstillError) {
    return { outcome: 'liveness', property: 'time goes on', message: error.message };
  }
  if (error instanceof StateMismatch) return { outcome: 'safety', property: 'equal states', message: error.message };
  return { outcome: 'crash', property: 'nothing is thrown', message: textOf(error) };
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
