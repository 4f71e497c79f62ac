/** A client that makes one call after the other, of a node of its choice, until it is stopped. */
import type { LogIndex } from '../../../core/ids.ts';
import type { KvOperation, KvRequest } from '../kv/kv-types.ts';
import type { ReadLevel, SettledCall } from '../observation/client-call.ts';
import type { SimSettings } from '../settings.ts';
import { timeUnitMs } from '../settings.ts';
import type { SimRandom } from '../time/sim-random.ts';
import type { Timeline } from '../time/timeline.ts';
import type { SimNode } from '../world/sim-node.ts';
import type { CallPlan, ClientCalls } from './client-calls.ts';

export interface SimClientParts {
  readonly id: number;
  readonly timeline: Timeline;
  readonly random: SimRandom;
  readonly settings: SimSettings;
  readonly calls: ClientCalls;
  /** Nodes that take calls now. */
  readonly upNodes: () => readonly SimNode[];
  /** Share of the calls that their client gives up, 0 to 1. */
  readonly abortRate: () => number;
  /** The simulator itself made a mistake. */
  readonly onError: (error: unknown) => void;
}

/** Values of different clients never coincide. */
const VALUES_PER_CLIENT = 1_000_000;

export class SimClient {
  readonly #parts: SimClientParts;
  /** Reads only: it never waits for a write that can't be committed. */
  readonly #isReader: boolean;
  #isStopped = false;
  #lastValue: number;
  /** The node that answered last. */
  #favourite: SimNode | null = null;
  #seenIndex: LogIndex = 0;
  /** What was last seen of each register: a good guess for a comparison. */
  readonly #seenValues = new Map<string, number | null>();

  constructor(parts: SimClientParts) {
    this.#parts = parts;
    this.#lastValue = parts.id * VALUES_PER_CLIENT;
    this.#isReader = parts.id > 1 && parts.random.fork('reader').chance(0.3);
  }

  start(): void {
    this.#pause();
  }

  stop(): void {
    this.#isStopped = true;
  }

  #pause(): void {
    const { timeline, random, settings } = this.#parts;
    // Mostly short, now and then long, sometimes none.
    const factor = -Math.log(1 - random.next() * 0.99);
    timeline.after(random.chance(0.1) ? 0 : settings.thinkMs * factor, () => this.#next());
  }

  #next(): void {
    if (this.#isStopped) return;
    const node = this.#chooseNode();
    if (node === null) {
      this.#pause();
      return;
    }
    this.#call(node).then((call) => {
      this.#learn(node, call);
      this.#pause();
    }, this.#parts.onError);
  }

  #chooseNode(): SimNode | null {
    const { random, upNodes } = this.#parts;
    const nodes = upNodes();
    if (nodes.length === 0) return null;
    const favourite = this.#favourite;
    if (favourite?.isUp === true && random.chance(0.5)) return favourite;
    // Also one that does not know yet that it leads no more.
    const leaders = nodes.filter(({ core }) => core?.role.name === 'leader');
    return random.pick(leaders.length > 0 && random.chance(0.5) ? leaders : nodes);
  }

  #call(node: SimNode): Promise<SettledCall> {
    const { random, settings, calls } = this.#parts;
    const plan = this.#plan();
    const key = this.#chooseKey();
    if (!this.#isReader && !random.chance(settings.readShare)) return calls.write(node, this.#chooseWrite(key), plan);
    return calls.read(node, { key, level: random.pick(LEVELS), atLeast: this.#seenIndex }, plan);
  }

  #plan(): CallPlan {
    const { id, random, settings, abortRate } = this.#parts;
    const unitMs = timeUnitMs(settings);
    const timeoutMs = Math.ceil(unitMs * random.pick([0.1, 0.5, 1, 2, 5]));
    const abortAfterMs = random.chance(abortRate()) ? random.between(0, timeoutMs) : null;
    return { client: id, timeoutMs, abortAfterMs };
  }

  #chooseKey(): string {
    const { random, settings } = this.#parts;
    const choice = random.below(settings.registers + settings.lists);
    return choice < settings.registers ? `r${choice}` : `l${choice - settings.registers}`;
  }

  #chooseWrite(key: string): Omit<KvRequest, 'callId'> {
    const { random } = this.#parts;
    this.#lastValue += 1;
    const operation: KvOperation = key.startsWith('l') ? 'append' : random.pick(['set', 'set', 'cas']);
    const expected = operation === 'cas' ? (this.#seenValues.get(key) ?? null) : null;
    const padding = random.pick([0, 0, 10, 100, random.below(2000)]);
    return { operation, key, value: this.#lastValue, expected, padding };
  }

  #learn(node: SimNode, { outcome, output, input }: SettledCall): void {
    this.#favourite = outcome === 'ok' ? node : null;
    if (output?.type !== 'read' || input.type !== 'read') return;
    this.#seenIndex = Math.max(this.#seenIndex, output.stateIndex);
    if (typeof output.value === 'number' || output.value === null) this.#seenValues.set(input.key, output.value);
  }
}

const LEVELS: readonly ReadLevel[] = [
  'linearizable',
  'linearizable',
  'linearizable',
  'lease',
  'lease',
  'leader',
  'stale',
  'at-least',
];
