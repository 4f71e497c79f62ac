/** Draws a schedule from a seed: each seed has some kinds of faults, each kind as often and as bad as the seed says. */
import type { SimSettings } from '../settings.ts';
import { timeUnitMs } from '../settings.ts';
import type { SimRandom } from '../time/sim-random.ts';
import type { FaultAction, FaultItem, FaultKind, LinkSelection, Target } from './fault-item.ts';
import { DESTRUCTIVE_KINDS, FAULT_KINDS } from './fault-item.ts';

export interface DrawOptions {
  readonly settings: SimSettings;
  readonly durationMs: number;
  readonly kinds: readonly FaultKind[];
  /** How much of everything; 1 is usual. */
  readonly intensity: number;
}

/** How often a kind comes in 100 election timeouts, when a seed has it. */
const RATES: Readonly<Record<FaultKind, number>> = {
  loss: 12.5,
  delay: 12.5,
  duplicate: 12.5,
  reorder: 12.5,
  partition: 20,
  'one-way': 12.5,
  partial: 15,
  flap: 7.5,
  crash: 30,
  restart: 7.5,
  stall: 25,
  'slow-apply': 10,
  clock: 12.5,
  'disk-slow': 20,
  'disk-full': 5,
  'disk-fail': 7.5,
  'bit-flip': 3.75,
  'disk-loss': 3.75,
  membership: 30,
  transfer: 15,
  elect: 7.5,
  snapshot: 20,
  impatience: 10,
};

/** Which part of the kinds a seed has. */
const KIND_SHARES = [0.15, 0.3, 0.6, 0.9];

export function drawSchedule(random: SimRandom, options: DrawOptions): readonly FaultItem[] {
  const { settings, durationMs, intensity } = options;
  const possible = options.kinds.filter((kind) => settings.nodes >= 3 || !DESTRUCTIVE_KINDS.has(kind));
  const share = random.pick(KIND_SHARES);
  // Named kinds were asked for; of all of them, each seed has some.
  const kinds = possible.length < FAULT_KINDS.length / 2 ? possible : random.subset(possible, share);
  const unitMs = timeUnitMs(settings);
  const drawn: { atMs: number; action: FaultAction }[] = [];
  for (const kind of kinds) {
    const ofKind = random.fork(kind);
    const emphasis = ofKind.pick([0.3, 1, 1, 3]);
    const count = (RATES[kind] * emphasis * intensity * durationMs) / (100 * unitMs);
    for (let left = count; left > 0; left -= 1) {
      if (left < 1 && !ofKind.chance(left)) break;
      const atMs = ofKind.between(0, durationMs);
      drawn.push({ atMs, action: drawAction(kind, new Dice(ofKind, settings, unitMs)) });
    }
  }
  drawn.sort((a, b) => a.atMs - b.atMs);
  return drawn.map((item, position) => ({ id: position + 1, ...item }));
}

/** What the actions of a schedule are drawn with. */
class Dice {
  readonly random: SimRandom;
  readonly unitMs: number;
  readonly #nodes: number;

  constructor(random: SimRandom, settings: SimSettings, unitMs: number) {
    this.random = random;
    this.unitMs = unitMs;
    this.#nodes = settings.nodes;
  }

  /** Often short, now and then several election timeouts. */
  forMs(): number {
    const { random } = this;
    return random.between(0, this.unitMs * random.pick([0.3, 1, 1, 2, 5, 10]));
  }

  /** The leader most of all: what happens to it matters to everybody. */
  target(): Target {
    const { random } = this;
    return random.chance(0.45) ? 'leader' : random.pick<Target>(['follower', 'any', 1 + random.below(this.#nodes)]);
  }

  targets(): readonly Target[] {
    const { random } = this;
    const ids = Array.from({ length: this.#nodes }, (_, position) => position + 1);
    return random.chance(0.5) ? [this.target()] : random.subset(ids, 0.5);
  }

  links(): LinkSelection {
    const { random } = this;
    const type = random.pick(['all', 'all', 'from', 'to', 'both', 'between'] as const);
    if (type === 'all') return { type };
    if (type === 'between') return { type, a: this.target(), b: random.pick<Target>(['follower', 'any']) };
    return { type, targets: this.targets() };
  }
}

function drawAction(kind: FaultKind, dice: Dice): FaultAction {
  const { random, unitMs } = dice;
  const forMs = dice.forMs();
  switch (kind) {
    case 'loss':
      return { type: 'link', links: dice.links(), condition: { lossRate: random.pick([0.05, 0.2, 0.5, 0.9]) }, forMs };
    case 'delay': {
      const delayMaxMs = random.between(0, unitMs * random.pick([0.1, 0.5, 1, 3]));
      return {
        type: 'link',
        links: dice.links(),
        condition: { delayMinMs: delayMaxMs * random.next(), delayMaxMs },
        forMs,
      };
    }
    case 'duplicate':
      return { type: 'link', links: dice.links(), condition: { duplicateRate: random.pick([0.1, 0.5, 1]) }, forMs };
    case 'reorder': {
      const condition = { reorderRate: random.pick([0.1, 0.5, 1]), delayMaxMs: random.between(0, unitMs * 0.2) };
      return { type: 'link', links: dice.links(), condition, forMs };
    }
    case 'partition':
    case 'one-way':
      return { type: 'partition', side: dice.targets(), isOneWay: kind === 'one-way', forMs };
    case 'partial':
      return {
        type: 'link',
        links: { type: 'between', a: dice.target(), b: 'any' },
        condition: { isCut: true },
        forMs,
      };
    case 'flap':
      return {
        type: 'flap',
        links: dice.links(),
        periodMs: random.between(unitMs * 0.05, unitMs * 2),
        forMs: forMs * 3,
      };
    case 'impatience':
      return { type: 'impatience', rate: random.pick([0.1, 0.5, 1]), forMs };
    default:
      return drawNodeAction(kind, dice);
  }
}

type NodeKind = Exclude<
  FaultKind,
  'loss' | 'delay' | 'duplicate' | 'reorder' | 'partition' | 'one-way' | 'partial' | 'flap' | 'impatience'
>;

function drawNodeAction(kind: NodeKind, dice: Dice): FaultAction {
  const { random, unitMs } = dice;
  const target = dice.target();
  const forMs = dice.forMs();
  const lateMs = random.chance(0.3) ? random.between(0, unitMs * random.pick([1, 3])) : 0;
  switch (kind) {
    case 'crash':
      return {
        type: 'crash',
        target,
        afterCalls: random.pick([0, 0, random.below(10), random.below(200)]),
        downMs: forMs,
        lateMs,
      };
    case 'restart':
      return { type: 'restart', target, downMs: random.between(0, unitMs) };
    case 'stall':
      return { type: 'stall', target, forMs };
    case 'slow-apply':
      return {
        type: 'slow-apply',
        target,
        msPerEntry: random.between(0, unitMs * 0.1),
        isBlocking: random.chance(0.5),
        forMs,
      };
    case 'clock':
      if (random.chance(0.5))
        return { type: 'clock-jump', target, byMs: random.between(-1, 1) * random.pick([100, 10_000, 1e8]) };
      return { type: 'clock-rate', target, rate: random.between(0.96, 1.04) };
    case 'disk-slow':
      return { type: 'disk-slow', target, extraMs: random.between(0, unitMs * random.pick([0.1, 0.5, 2])), forMs };
    case 'disk-full':
      return { type: 'disk-full', target, forMs };
    case 'disk-fail':
      return { type: 'disk-fail', target, operation: random.pick(['write', 'sync', 'read']), after: random.below(50) };
    case 'bit-flip':
      return { type: 'bit-flip', target, downMs: forMs };
    case 'disk-loss':
      return { type: 'disk-loss', target, downMs: forMs, lateMs };
    case 'transfer':
      return { type: 'transfer', to: random.pick<Target | null>([null, null, 'follower', 'any']) };
    case 'elect':
      return { type: 'elect', target: random.pick<Target>(['follower', 'any']) };
    case 'snapshot':
      return {
        type: random.pick(['snapshot', 'snapshot', 'purge'] as const),
        target: random.pick<Target>(['leader', 'follower', 'any']),
      };
    case 'membership':
      return drawMembershipAction(random, target);
  }
}

function drawMembershipAction(random: SimRandom, target: Target): FaultAction {
  switch (random.pick(['add', 'add', 'promote', 'demote', 'remove', 'remove', 'add-again', 'replace'] as const)) {
    case 'add':
      return { type: 'add-node', isVoter: random.chance(0.7) };
    case 'promote':
      return { type: 'promote' };
    case 'demote':
      return { type: 'demote', target };
    case 'remove':
      return { type: 'remove', target };
    case 'add-again':
      return { type: 'add-again' };
    case 'replace':
      return { type: 'replace', target };
  }
}
