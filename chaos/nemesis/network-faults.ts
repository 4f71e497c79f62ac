/** Lines between nodes that are cut, slow, unreliable, or bring messages twice. */
import type { Member } from '../cluster/member.ts';
import type { Line, LineCondition } from '../network/line.ts';
import { linesAmong, linesBetween, linesFrom } from '../network/line.ts';
import type { PlannedFault } from './fault.ts';
import { inOrder } from './victims.ts';
import type { Nemesis, World } from './world.ts';
import { names } from './world.ts';

interface Cut {
  readonly what: string;
  readonly lines: readonly Line[];
}

export const partition: Nemesis = async (fault, { cluster, network }) => {
  const isLeaderFirst = ['leader', 'deaf', 'mute', 'unplugged'].includes(fault.variant) || fault.strength < 0.5;
  const members = await inOrder(cluster, fault, isLeaderFirst);
  const [first] = members;
  if (first === undefined) return null;
  if (fault.variant === 'unplugged') {
    const end = await network.unplug(first.place);
    return { what: `unplug ${names([first])}`, end };
  }
  const { what, lines } = cutOf(fault.variant, members);
  return { what, end: await network.impair(lines, { isCut: true }) };
};

/** The first member is the one that a variant is about. */
export function cutOf(variant: string, members: readonly Member[]): Cut {
  const places = members.map(({ place }) => place);
  const [first = 0, ...others] = places;
  const names1 = names(members.slice(0, 1));
  switch (variant) {
    case 'leader':
      return { what: `cut off ${names1}`, lines: linesBetween([first], others) };
    case 'deaf':
      return { what: `${names1} hears no other node`, lines: linesFrom(others, [first]) };
    case 'mute':
      return { what: `${names1} is heard by no other node`, lines: linesFrom([first], others) };
    case 'bridge':
      return bridge(members);
    case 'ring':
      return ring(members);
    default: {
      const size = Math.ceil(places.length / 2);
      const [some, rest] = [places.slice(0, size), places.slice(size)];
      return {
        what: `cut between ${names(members.slice(0, size))} and ${names(members.slice(size))}`,
        lines: linesBetween(some, rest),
      };
    }
  }
}

/** Two halves that don't reach each other, and one node that reaches both. */
function bridge(members: readonly Member[]): Cut {
  const places = members.map(({ place }) => place);
  const [, ...others] = places;
  const size = Math.ceil(others.length / 2);
  return {
    what: `only ${names(members.slice(0, 1))} reaches all`,
    lines: linesBetween(others.slice(0, size), others.slice(size)),
  };
}

/** Each node reaches its two neighbours only: with five, no two nodes see the same majority. */
function ring(members: readonly Member[]): Cut {
  const places = members.map(({ place }) => place);
  const positionOf = new Map(places.map((place, position) => [place, position]));
  const isNear = ({ from, to }: Line): boolean => {
    const distance = Math.abs((positionOf.get(from) ?? 0) - (positionOf.get(to) ?? 0));
    return Math.min(distance, places.length - distance) <= 1;
  };
  return {
    what: `each node reaches two others: ${names(members)} in a ring`,
    lines: linesAmong(places).filter((line) => !isNear(line)),
  };
}

export const delay: Nemesis = (fault, world) => {
  const delayMs = Math.round(10 + 140 * fault.strength ** 2);
  return impairSome(fault, world, {
    what: `delay of ${delayMs} to ${2 * delayMs} ms`,
    condition: { delayMs, jitterMs: delayMs },
  });
};

export const loss: Nemesis = (fault, world) => {
  const perMinute = Math.round(10 + 110 * fault.strength);
  return impairSome(fault, world, {
    what: `${perMinute} stalls and ${Math.round(perMinute / 4)} resets a minute`,
    condition: { stallsPerMinute: perMinute, resetsPerMinute: Math.round(perMinute / 4) },
  });
};

export const duplicate: Nemesis = (fault, world) => {
  const replayShare = 0.1 + 0.6 * fault.strength;
  return impairSome(fault, world, {
    what: `${Math.round(replayShare * 100)} % of posted messages twice`,
    condition: { replayShare },
  });
};

interface Impairment {
  readonly what: string;
  readonly condition: Partial<LineCondition>;
}

async function impairSome(
  fault: PlannedFault,
  { cluster, network }: World,
  { what, condition }: Impairment,
): ReturnType<Nemesis> {
  const members = await inOrder(cluster, fault, fault.variant === 'leader');
  const places = members.map(({ place }) => place);
  const all = linesAmong(places);
  switch (fault.variant) {
    case 'leader':
      return {
        what: `${what} around ${names(members.slice(0, 1))}`,
        end: await network.impair(linesBetween(places.slice(0, 1), places), condition),
      };
    case 'some': {
      const chosen = new Set(places.slice(0, Math.ceil(places.length / 2)));
      const lines = all.filter(({ from, to }) => chosen.has(from) !== chosen.has(to));
      return { what: `${what} between some nodes`, end: await network.impair(lines, condition) };
    }
    default:
      return { what: `${what} between all nodes`, end: await network.impair(all, condition) };
  }
}
