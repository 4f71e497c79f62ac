/**
 * Majorities as the oracles count them. Not those of the core: an oracle that shared its mistakes would not see them.
 */
import type { NodeId } from '../../../core/ids.ts';

type Configs = readonly (readonly NodeId[])[];

/** Do these nodes hold a majority of every voter set (§6)? */
export function holdsQuorum(configs: Configs, holds: (id: NodeId) => boolean): boolean {
  return configs.length > 0 && configs.every((config) => 2 * config.filter(holds).length > config.length);
}

/** Does every quorum of one meet every quorum of the other? By trying all of them. */
export function doQuorumsMeet(a: Configs, b: Configs): boolean {
  const ids = [...new Set([...a.flat(), ...b.flat()])];
  for (let bits = 0; bits < 2 ** ids.length; bits += 1) {
    const isIn = (id: NodeId): boolean => (bits & (1 << ids.indexOf(id))) !== 0;
    // A quorum of one whose opposite is a quorum of the other is one that does not meet it.
    if (holdsQuorum(a, isIn) && holdsQuorum(b, (id) => !isIn(id))) return false;
  }
  return true;
}
