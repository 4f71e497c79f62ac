/** Schedules from outside: are they well formed, and can the cluster survive them? */
import type { FaultAction, FaultItem } from './fault-item.ts';

/** A schedule that can't be used; lists every problem. */
export class ScheduleError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the schedule can't be used: ${problems.join('; ')}`);
    this.name = 'ScheduleError';
    this.problems = problems;
  }
}

/** What the fields of an action must be, besides `type`. */
const FIELDS: { readonly [Type in FaultAction['type']]: readonly string[] } = {
  link: ['links', 'condition', 'forMs'],
  partition: ['side', 'isOneWay', 'forMs'],
  flap: ['links', 'periodMs', 'forMs'],
  crash: ['target', 'afterCalls', 'downMs'],
  restart: ['target', 'downMs'],
  stall: ['target', 'forMs'],
  'slow-apply': ['target', 'msPerEntry', 'isBlocking', 'forMs'],
  'clock-rate': ['target', 'rate'],
  'clock-jump': ['target', 'byMs'],
  'disk-slow': ['target', 'extraMs', 'forMs'],
  'disk-full': ['target', 'forMs'],
  'disk-fail': ['target', 'operation', 'after'],
  'bit-flip': ['target', 'downMs'],
  'disk-loss': ['target', 'downMs'],
  'add-node': ['isVoter'],
  promote: [],
  demote: ['target'],
  remove: ['target'],
  'add-again': [],
  replace: ['target'],
  transfer: ['to'],
  elect: ['target'],
  snapshot: ['target'],
  purge: ['target'],
  impatience: ['rate', 'forMs'],
};

/** @throws ScheduleError */
export function parseSchedule(value: unknown): readonly FaultItem[] {
  if (!Array.isArray(value)) throw new ScheduleError(['it is no list of items']);
  const problems = value.flatMap((item: unknown, position) => problemsOf(item, position));
  if (problems.length > 0) throw new ScheduleError(problems);
  // Checked field by field.
  return value as FaultItem[];
}

/**
 * Nodes that stay down for good must leave a quorum: without one nothing can be healed.
 * @throws ScheduleError
 */
export function checkQuorumLeft(schedule: readonly FaultItem[], nodes: number): void {
  const gone = new Set<unknown>();
  for (const { id, action } of schedule) {
    if (action.type === 'crash' && action.downMs === null) {
      gone.add(typeof action.target === 'number' ? action.target : `item ${id}`);
    }
  }
  if (gone.size === 0 || 2 * (nodes - gone.size) > nodes) return;
  throw new ScheduleError([
    `of ${nodes} nodes ${gone.size} stay down for good, and no quorum is left in the healed phase: give their crashes a downMs, or start with ${2 * gone.size + 1} nodes`,
  ]);
}

function problemsOf(item: unknown, position: number): readonly string[] {
  const where = `item ${position + 1}`;
  if (!isObject(item)) return [`${where} is no object`];
  const problems: string[] = [];
  if (!Number.isSafeInteger(item['id'])) problems.push(`${where}: id must be an integer`);
  if (!isTime(item['atMs'])) problems.push(`${where}: atMs must be a number that is not negative`);
  const action = item['action'];
  const type = isObject(action) ? action['type'] : undefined;
  if (!isObject(action) || typeof type !== 'string' || !Object.hasOwn(FIELDS, type)) {
    return [...problems, `${where}: action.type must be one of ${Object.keys(FIELDS).join(', ')}`];
  }
  for (const field of FIELDS[type as FaultAction['type']]) {
    if (!(field in action)) problems.push(`${where}: a '${type}' needs ${field}`);
    else if (field === 'forMs' && !isTime(action[field])) problems.push(`${where}: forMs must be a time`);
  }
  return problems;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTime(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && Number.isFinite(value);
}
