/** Checks of options, so that every problem is reported at once. */
import type { ConfigProblem } from '../../errors.ts';
import { ConfigError } from '../../errors.ts';

/** Says what is wrong with a value; `null` when nothing is. */
export type OptionCheck = (value: unknown) => string | null;

export const positiveMs: OptionCheck = (value) =>
  typeof value === 'number' && value > 0 && value <= 0x7fff_ffff ? null : 'must be a positive number of ms';

export const positiveInteger: OptionCheck = (value) =>
  Number.isSafeInteger(value) && (value as number) > 0 ? null : 'must be a positive integer';

export function atLeast(min: number): OptionCheck {
  return (value) =>
    Number.isSafeInteger(value) && (value as number) >= min ? null : `must be an integer of at least ${min}`;
}

export function oneOf(...choices: readonly string[]): OptionCheck {
  return (value) => (choices.includes(value as string) ? null : `must be one of ${choices.join(', ')}`);
}

export const urlPrefix: OptionCheck = (value) =>
  typeof value === 'string' && /^(\/[\w.~-]+)+$/.test(value)
    ? null
    : 'must be a path such as /raft, without a / at its end';

/** Header values must be visible ASCII, or the first request would fail instead of the start (BUG-26). */
export const tokenText: OptionCheck = (value) =>
  typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)
    ? null
    : 'must be one or more visible ASCII characters, without spaces';

/** @throws ConfigError when there is any problem */
export function requireNoProblems(problems: readonly ConfigProblem[]): void {
  if (problems.length > 0) {
    throw new ConfigError(problems);
  }
}

/** Every field of `options` that does not pass its check. */
export function findProblems<T extends object>(
  options: T,
  checks: { readonly [field in keyof T]?: OptionCheck },
): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  for (const [field, check] of Object.entries(checks) as [keyof T & string, OptionCheck][]) {
    const rule = check(options[field]);
    if (rule !== null) {
      problems.push({ field, value: options[field], rule });
    }
  }
  return problems;
}

/** Defaults, overridden by what is given and not `undefined`. */
export function withDefaults<T extends object>(
  defaults: T,
  given: { readonly [field in keyof T]?: T[field] | undefined },
): T {
  const merged = { ...defaults };
  for (const field of Object.keys(defaults) as (keyof T)[]) {
    const value = given[field];
    if (value !== undefined) {
      merged[field] = value;
    }
  }
  return merged;
}
