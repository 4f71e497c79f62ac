/**
 * A contract as a list of named cases, for any test runner:
 *
 * ```ts
 * const suite = logStoreSuite({ persistent: true, create: createMyPlace });
 * for (const { name, run } of suite) {
 *   test(name, run);
 * }
 * ```
 */

/** One behaviour that an adapter must show. */
export interface ConformanceCase {
  readonly name: string;
  /** Resolves when the adapter behaves so; rejects with an `AssertionError` or the adapter's own error otherwise. */
  readonly run: () => Promise<void>;
}

/** A behaviour that is not checked, because the adapter declares that it lacks something. */
export interface NotCovered {
  readonly name: string;
  readonly reason: string;
}

/** The cases of one adapter. Iterates over them. */
export interface ConformanceSuite extends Iterable<ConformanceCase> {
  readonly cases: readonly ConformanceCase[];
  readonly notCovered: readonly NotCovered[];
}

/** Hands every case to a test runner's own function: `runSuite(suite, test)`. */
export function runSuite(
  cases: Iterable<ConformanceCase>,
  register: (name: string, run: () => Promise<void>) => unknown,
): void {
  for (const { name, run } of cases) {
    register(name, run);
  }
}

/** What a case works on. Made anew for each. */
export interface CaseWorld {
  /** Releases everything, also when the case failed half-way. */
  close(): Promise<void>;
}

/** Checks by the name of the behaviour. */
export type Checks<World> = Readonly<Record<string, (world: World) => Promise<void>>>;

/** Checks that an adapter must pass, unless it lacks something for a reason. */
export interface CheckGroup<World> {
  readonly checks: Checks<World>;
  /** Why the adapter need not pass these; `null` when it must. */
  readonly absence: string | null;
}

/** Makes a suite of checks that each run in a world of their own. */
export function makeSuite<World extends CaseWorld>(
  groups: readonly CheckGroup<World>[],
  createWorld: () => Promise<World>,
): ConformanceSuite {
  const cases: ConformanceCase[] = [];
  const notCovered: NotCovered[] = [];
  for (const { checks, absence } of groups) {
    for (const [name, check] of Object.entries(checks)) {
      if (absence === null) {
        cases.push({ name, run: () => runInWorld(check, createWorld) });
      } else {
        notCovered.push({ name, reason: absence });
      }
    }
  }
  return { cases, notCovered, [Symbol.iterator]: () => cases[Symbol.iterator]() };
}

/** Runs a check in a new world, and closes that whatever happens. */
export async function runInWorld<World extends CaseWorld>(
  check: (world: World) => Promise<void>,
  createWorld: () => Promise<World>,
): Promise<void> {
  const world = await createWorld();
  try {
    await check(world);
  } catch (error) {
    // What went wrong first is what counts.
    await world.close().catch(() => {});
    throw error;
  }
  await world.close();
}
