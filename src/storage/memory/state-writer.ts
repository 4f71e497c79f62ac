/**
 * Takes a state apart into pieces that are encoded in a few milliseconds each. A container that is larger than that is
 * opened: its members are written one by one.
 */
import { DEPTH_MAX } from '../../codec/plain-data.ts';
import { SnapshotError } from '../../errors.ts';
import { CopiedContainer } from './copied-container.ts';
import type { FrameEncoder } from './snapshot-frames.ts';
import { containerBuilder, containerTypeOf, isKeyed, membersOf } from './state-containers.ts';
import { isTree } from './state-tree.ts';
import type { Pieces } from './state-turns.ts';
import { unitsOf } from './state-units.ts';

/** What is smaller is encoded as a whole; it takes about a millisecond. */
const PIECE_UNITS = 10_000;

/** Where members belong. */
export interface Place {
  /** Are the members `[key, value]` pairs? */
  readonly isKeyed: boolean;
  /** How many containers are open around them. */
  readonly depth: number;
  /**
   * May large members be opened without a look? Else only those in which no object can be reached in two ways: it would
   * come back as two.
   */
  readonly isDivisible: boolean;
}

/** Yields when enough was done for one turn of the event loop. */
export function* writeMembers(encoder: FrameEncoder, members: Iterable<unknown>, place: Place): Pieces<void> {
  for (const member of members) {
    const units = unitsOf(member, PIECE_UNITS);
    if (units >= PIECE_UNITS) {
      yield* writeLarge(encoder, member, place);
    } else {
      encoder.add(melted(member, place.isKeyed), units, place.depth);
    }
    if (encoder.hasFullChunk) {
      yield;
    }
  }
}

function* writeLarge(encoder: FrameEncoder, member: unknown, place: Place): Pieces<void> {
  const [key, value] = place.isKeyed ? asPair(member) : [undefined, member];
  // As a whole, what is circular or nested too deeply is refused.
  const type = place.depth < DEPTH_MAX ? containerTypeOf(value) : null;
  if (type === null || !(place.isDivisible || (yield* isTree(member)))) {
    encoder.add(melted(member, place.isKeyed), PIECE_UNITS, place.depth);
    return;
  }
  encoder.open({ open: type, key: place.isKeyed ? [key] : null }, place.depth);
  // A cast: what has a type is an object.
  const members = membersOf(value as object);
  const inner: Place = { isKeyed: isKeyed(type), depth: place.depth + 1, isDivisible: true };
  yield* writeMembers(encoder, type === 'object' ? checkedFields(members) : members, inner);
  encoder.close();
}

/** The members of a keyed container are made as pairs. */
function asPair(member: unknown): readonly [unknown, unknown] {
  return member as readonly [unknown, unknown];
}

/** Turns copies back into the containers that they stand for. */
function melted(member: unknown, isPair: boolean): unknown {
  if (!isPair) {
    return member instanceof CopiedContainer ? containerOf(member) : member;
  }
  const [key, value] = asPair(member);
  return value instanceof CopiedContainer ? [key, containerOf(value)] : member;
}

function containerOf(copy: CopiedContainer): object {
  const { container, add } = containerBuilder(copy.type);
  for (const member of copy.members()) {
    add(melted(member, isKeyed(copy.type)));
  }
  return container;
}

/** As for smaller objects: such a field would not come back. */
function* checkedFields(fields: Iterable<unknown>): Generator<unknown, void> {
  for (const field of fields) {
    if (asPair(field)[0] === '__proto__') {
      throw new SnapshotError('the state can\'t be encoded: a field named "__proto__"');
    }
    yield field;
  }
}
