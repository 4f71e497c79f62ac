/** The words behind the name of a command. */
import { parseArgs } from 'node:util';

export interface OptionSpec {
  /** Without the dashes. */
  readonly name: string;
  /** What stands for its value in the help; `null` for one that has none. */
  readonly value: string | null;
  readonly text: string;
}

/** The command line makes no sense. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** Options that every command has. */
export const COMMON_OPTIONS: readonly OptionSpec[] = Object.freeze([
  { name: 'json', value: null, text: 'print JSON, for programs' },
  { name: 'help', value: null, text: 'print this' },
]);

export class Arguments {
  readonly #values: ReadonlyMap<string, string | boolean>;
  readonly #words: readonly string[];

  /** @throws UsageError */
  constructor(own: readonly OptionSpec[], argv: readonly string[]) {
    const specs = [...own, ...COMMON_OPTIONS];
    const options = Object.fromEntries(
      specs.map(({ name, value }) => [name, { type: value === null ? ('boolean' as const) : ('string' as const) }]),
    );
    try {
      const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true });
      const given = Object.entries(values).flatMap(([name, value]) =>
        typeof value === 'string' || typeof value === 'boolean' ? [[name, value] as const] : [],
      );
      this.#values = new Map(given);
      this.#words = positionals;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new UsageError(reason.split(/\. |\n/)[0] ?? reason);
    }
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  text(name: string): string | undefined {
    const value = this.#values.get(name);
    return typeof value === 'string' ? value : undefined;
  }

  /** @throws UsageError when it is not there */
  required(name: string, meaning: string): string {
    const value = this.text(name);
    if (value === undefined) throw new UsageError(`--${name} is missing: ${meaning}`);
    return value;
  }

  /** @throws UsageError when it is no whole number of at least `least` */
  integer(name: string, least: number): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const number = Number(value);
    if (/^\d+$/.test(value) && Number.isSafeInteger(number) && number >= least) return number;
    throw new UsageError(`--${name} must be a whole number of at least ${least}, not '${value}'`);
  }

  /** @throws UsageError when there is none, or more than one */
  only(meaning: string): string {
    const [word, ...others] = this.#words;
    if (word === undefined || word === '') throw new UsageError(`${meaning} is missing`);
    if (others.length > 0) throw new UsageError(`'${others.join(' ')}' is one word too many`);
    return word;
  }
}

/**
 * `value`, if it may be an address.
 * @throws UsageError
 */
export function checkAddress(value: string): string {
  if (value !== '' && !/\s/.test(value)) return value;
  throw new UsageError(`--address must be a text without white space, not '${value}'`);
}
