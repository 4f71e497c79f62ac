/** What the places of a suite can do besides keeping data. */

/**
 * - `crash`: the present store can be ended as by a power cut (`Place.crash`).
 * - `crash-points`: the same at every single operation on the disk (`Place.freezeAfter`); needs `crash`.
 * - `faults`: operations on the disk can fail (`Place.failNext` and `relieve`).
 * - `damage`: what is stored can be damaged (`damage` of the place).
 * - `lock`: a store keeps a second one of the same place out while it is open.
 */
export type PlaceCapability = 'crash' | 'crash-points' | 'faults' | 'damage' | 'lock';

const REASONS: Readonly<Record<PlaceCapability, string>> = {
  crash: "places can't crash a store",
  'crash-points': "places can't crash a store at a chosen operation on the disk",
  faults: "the disk of a place can't be made to fail",
  damage: "places can't damage what they hold",
  lock: 'the store does not keep a second one of the same place out',
};

export interface CapabilityOptions {
  /** Whether a place keeps its data when a store over it is closed and the next one is opened. */
  readonly persistent: boolean;
  /** What places can do besides; nothing by default. Cases that need what is not listed are not covered. */
  readonly capabilities?: readonly PlaceCapability[];
}

/** Why cases are not covered that need all of these; `null` when they are. */
export function absenceOf(
  { persistent, capabilities = [] }: CapabilityOptions,
  ...needed: readonly PlaceCapability[]
): string | null {
  if (!persistent) {
    return 'the store does not keep its data when it is closed (persistent: false)';
  }
  const missing = needed.find((capability) => !capabilities.includes(capability));
  return missing === undefined ? null : `${REASONS[missing]} (capabilities: no '${missing}')`;
}
