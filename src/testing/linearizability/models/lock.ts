/**
 * Locks that are leased: held by one owner until it is released or its time is over, with a fencing token that grows
 * with every grant. The time that counts is that of the service, which it tells with every answer.
 */
import type { Model, Step } from '../model.ts';
import { accepted, groupByKey, REFUSED } from '../model.ts';

export type LockInput =
  /** Granted unless someone holds the lock, the same owner included. `ttlMs` is `null` for a lock without a lease. */
  | { readonly type: 'acquire'; readonly lock: string; readonly owner: string; readonly ttlMs: number | null }
  /** Sets a new end, `ttlMs` from when it is applied, if the owner still holds the lock by that token. */
  | {
      readonly type: 'renew';
      readonly lock: string;
      readonly owner: string;
      readonly token: number;
      readonly ttlMs: number;
    }
  | { readonly type: 'release'; readonly lock: string; readonly owner: string; readonly token: number }
  | { readonly type: 'holder'; readonly lock: string };

/** What every answer tells. */
export interface LockOutput {
  /** Whether it was granted, renewed or released; for `holder`, whether anyone holds the lock. */
  readonly isDone: boolean;
  /** Of a grant and of a holder; `null` otherwise. */
  readonly token: number | null;
  /** Of a holder; `null` otherwise. */
  readonly owner: string | null;
  /**
   * The service's time when it applied the operation, in whole milliseconds: it must never decrease from one operation
   * to the next. A lease that ends at 100 is over at 100.
   */
  readonly timeMs: number;
}

interface Holder {
  readonly owner: string;
  readonly isTokenKnown: boolean;
  /** The lease ends at one of these times, both included. They differ after an operation of unknown outcome. */
  readonly endMinMs: number;
  readonly endMaxMs: number;
}

export interface LockState {
  readonly holder: Holder | null;
  /** The token of the last grant, or the least that it may have had. 0: never granted. */
  readonly token: number;
  /** The service's time is at least this. */
  readonly timeMs: number;
  /** The last operation set the end to this long after its time, which is not known; `null` otherwise. */
  readonly openTtlMs: number | null;
}

const UNLOCKED: LockState = { holder: null, token: 0, timeMs: 0, openTtlMs: null };

/**
 * Partitions by lock. Where an acquire has an unknown outcome, so has its token: an answer that somebody's renewal or
 * release was refused is then believed.
 */
export function lockModel(): Model<LockInput, LockOutput, LockState> {
  return {
    name: 'lock',
    initial: () => UNLOCKED,
    step(state, input, output) {
      if (output === undefined) return stepUnknown(state, input);
      const now = advance(state, output.timeMs);
      return now === null ? REFUSED : stepKnown(now, input, output);
    },
    key: keyOf,
    isReadOnly: (input) => input.type === 'holder',
    appliedAt: (_input, { timeMs }) => timeMs,
    partition: (operations) => groupByKey(operations, (input) => input.lock),
    describe,
    describeState: describeLock,
  };
}

function stepKnown(state: LockState, input: LockInput, output: LockOutput): Step<LockState> {
  switch (input.type) {
    case 'acquire':
      if (!output.isDone) return whileHeld(state);
      return output.token === null ? REFUSED : grant(whenFree(state), { ...input, token: output.token });
    case 'holder':
      if (!output.isDone) return whenFree(state);
      return output.owner === null || output.token === null
        ? REFUSED
        : whileHeldBy(state, { owner: output.owner, token: output.token });
    case 'renew':
    case 'release': {
      if (!output.isDone) return whenNotHeldBy(state, input);
      const held = whileHeldBy(state, input);
      if (!held.ok) return REFUSED;
      return accepted(input.type === 'release' ? { ...held.state, holder: null } : extend(held.state, input.ttlMs));
    }
    default:
      return REFUSED;
  }
}

/** The operation took effect, at the first moment at which it could or later. */
function stepUnknown(state: LockState, input: LockInput): Step<LockState> {
  const { holder, timeMs } = state;
  if (input.type === 'holder') return accepted(state);
  if (input.type === 'acquire') {
    const sinceMs = Math.max(timeMs, holder?.endMinMs ?? timeMs);
    if (sinceMs === Number.POSITIVE_INFINITY) return REFUSED;
    const endMinMs = input.ttlMs === null ? Number.POSITIVE_INFINITY : sinceMs + input.ttlMs;
    return accepted({
      holder: { owner: input.owner, isTokenKnown: false, endMinMs, endMaxMs: Number.POSITIVE_INFINITY },
      token: state.token + 1,
      timeMs: sinceMs,
      openTtlMs: input.ttlMs,
    });
  }
  if (holder === null || holder.endMaxMs <= timeMs || matches(state, input) === 'no') return REFUSED;
  const known: LockState = { ...state, token: input.token };
  if (input.type === 'release') return accepted({ ...known, holder: null, openTtlMs: null });
  const endMinMs = timeMs + input.ttlMs;
  const endMaxMs = holder.endMaxMs - 1 + input.ttlMs;
  return accepted({
    ...known,
    holder: { owner: holder.owner, isTokenKnown: true, endMinMs, endMaxMs },
    openTtlMs: input.ttlMs,
  });
}

/** The state at `timeMs`, or null when it is earlier than what was applied before. */
function advance(state: LockState, timeMs: number): LockState | null {
  const { holder, openTtlMs } = state;
  if (timeMs < state.timeMs) return null;
  if (holder === null || openTtlMs === null) return { ...state, timeMs, openTtlMs: null };
  const endMaxMs = Math.min(holder.endMaxMs, timeMs + openTtlMs);
  return { ...state, holder: { ...holder, endMaxMs }, timeMs, openTtlMs: null };
}

function whenFree(state: LockState): Step<LockState> {
  const { holder, timeMs } = state;
  return holder === null || holder.endMinMs <= timeMs ? accepted({ ...state, holder: null }) : REFUSED;
}

function whileHeld(state: LockState): Step<LockState> {
  const { holder, timeMs } = state;
  if (holder === null || holder.endMaxMs <= timeMs) return REFUSED;
  if (holder.endMinMs > timeMs) return accepted(state);
  return accepted({ ...state, holder: { ...holder, endMinMs: timeMs + 1 } });
}

interface Claim {
  readonly owner: string;
  readonly token: number;
}

function whileHeldBy(state: LockState, claim: Claim): Step<LockState> {
  const held = whileHeld(state);
  if (!held.ok || held.state.holder === null || matches(state, claim) === 'no') return REFUSED;
  return accepted({ ...held.state, holder: { ...held.state.holder, isTokenKnown: true }, token: claim.token });
}

function whenNotHeldBy(state: LockState, claim: Claim): Step<LockState> {
  return matches(state, claim) === 'yes' ? whenFree(state) : accepted(state);
}

function matches({ holder, token }: LockState, claim: Claim): 'yes' | 'maybe' | 'no' {
  if (holder === null || holder.owner !== claim.owner) return 'no';
  if (holder.isTokenKnown) return claim.token === token ? 'yes' : 'no';
  return claim.token >= token ? 'maybe' : 'no';
}

function grant(free: Step<LockState>, claim: Claim & { readonly ttlMs: number | null }): Step<LockState> {
  if (!free.ok || claim.token <= free.state.token) return REFUSED;
  const endMs = claim.ttlMs === null ? Number.POSITIVE_INFINITY : free.state.timeMs + claim.ttlMs;
  const holder = { owner: claim.owner, isTokenKnown: true, endMinMs: endMs, endMaxMs: endMs };
  return accepted({ ...free.state, holder, token: claim.token });
}

function extend(state: LockState, ttlMs: number): LockState {
  const endMs = state.timeMs + ttlMs;
  return state.holder === null ? state : { ...state, holder: { ...state.holder, endMinMs: endMs, endMaxMs: endMs } };
}

function keyOf({ holder, token, timeMs, openTtlMs }: LockState): string {
  if (holder === null || holder.endMaxMs <= timeMs) return `${timeMs} ${token}`;
  const { owner, isTokenKnown, endMinMs, endMaxMs } = holder;
  return `${timeMs} ${token} ${isTokenKnown} ${endMinMs} ${endMaxMs} ${openTtlMs} ${owner}`;
}

function describe(input: LockInput, output: LockOutput | undefined): string {
  return `${describeInput(input)} → ${output === undefined ? '?' : describeOutput(input, output)}`;
}

function describeInput(input: LockInput): string {
  switch (input.type) {
    case 'acquire':
      return `acquire ${input.lock} as ${input.owner}${input.ttlMs === null ? '' : ` for ${input.ttlMs}`}`;
    case 'renew':
      return `renew ${input.lock} as ${input.owner} #${input.token} for ${input.ttlMs}`;
    case 'release':
      return `release ${input.lock} as ${input.owner} #${input.token}`;
    default:
      return `holder of ${input.lock}`;
  }
}

function describeOutput(input: LockInput, { isDone, owner, token, timeMs }: LockOutput): string {
  if (input.type === 'holder') return `${isDone ? `${owner} #${token}` : 'none'} @${timeMs}`;
  const word = isDone ? 'done' : 'refused';
  return `${input.type === 'acquire' && isDone ? `#${token}` : word} @${timeMs}`;
}

function describeLock({ holder, token, timeMs }: LockState): string {
  if (holder === null || holder.endMaxMs <= timeMs) return `free @${timeMs}`;
  const { owner, isTokenKnown, endMinMs, endMaxMs } = holder;
  const until = endMinMs === endMaxMs ? `${endMinMs}` : `${endMinMs} to ${endMaxMs}`;
  return `${owner} #${isTokenKnown ? '' : '≥'}${token} until ${until.replaceAll('Infinity', '∞')} @${timeMs}`;
}
