/** What the clients ask for: drawn from the seed. */
import { SeededRandom } from '../nemesis/seeded-random.ts';
import type { ClientInput, ClientOutput, ReadLevel } from './operation.ts';

/** Keys of one group are listed together, and so are checked together. */
const KEYS = ['a', 'b', 'c', 'd'];

/** Then clients go on to a new group: what is checked together stays small, however long the run. */
const OPERATIONS_PER_GROUP = 300;

/** Now and then somebody looks at an older group, where a loss would show. */
const LOOK_BACK = 0.03;

const LEASE_SHARE = 0.3;

export interface DrawnOperation {
  readonly input: ClientInput;
  readonly level: ReadLevel;
}

export class Workload {
  readonly #random: SeededRandom;
  /** What the clients saw last, so that some compare-and-sets hit. */
  readonly #seen = new Map<string, ClientOutput>();
  #drawn = 0;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed, 'operations');
  }

  /** All that was ever written is in one of these. */
  get prefixes(): readonly string[] {
    const groups = Math.floor(Math.max(0, this.#drawn - 1) / OPERATIONS_PER_GROUP) + 1;
    return Array.from({ length: groups }, (_, group) => prefixOf(group));
  }

  next(): DrawnOperation {
    const random = this.#random;
    const group = Math.floor(this.#drawn / OPERATIONS_PER_GROUP);
    this.#drawn += 1;
    const level = random.isChance(LEASE_SHARE) ? 'lease' : 'linearizable';
    if (group > 0 && random.isChance(LOOK_BACK)) {
      return { input: { type: 'list', prefix: prefixOf(random.between(0, group - 1)) }, level };
    }
    return { input: this.#draw(prefixOf(group)), level };
  }

  /** Tells what a key was seen to hold. */
  see(key: string, value: ClientOutput): void {
    this.#seen.set(key, value);
  }

  #draw(prefix: string): ClientInput {
    const random = this.#random;
    const key = `${prefix}${random.pick(KEYS)}`;
    const dice = random.next();
    // Every write has a value of its own, so that a read tells which one it saw.
    if (dice < 0.35) return { type: 'put', key, value: this.#drawn };
    if (dice < 0.55) return { type: 'cas', key, from: this.#expected(key), to: this.#drawn };
    if (dice < 0.6) return { type: 'delete', key };
    if (dice < 0.9) return { type: 'get', key };
    return { type: 'list', prefix };
  }

  #expected(key: string): string | number | boolean | null {
    const seen = this.#seen.get(key);
    return typeof seen === 'object' || seen === undefined ? null : seen;
  }
}

function prefixOf(group: number): string {
  return `g${group}/`;
}
