/** Sums up what the CPU profiler of Node.js recorded: which functions the time was spent in. */

/** The part of a `.cpuprofile` file that is needed here. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  /** The node at the top of the stack, for each sample. */
  readonly samples: readonly number[];
  /** Microseconds between a sample and the one before. */
  readonly timeDeltas: readonly number[];
}

export interface SelfTime {
  /** Function, file and line. */
  readonly name: string;
  /** Microseconds at the top of the stack. */
  readonly selfUs: number;
  /** Of the time that the process was busy, 0 to 1. */
  readonly share: number;
}

const IDLE = '(idle)';

/** The functions of a profile by the time spent in them, longest first, idle time left out. */
export function selfTimes({ nodes, samples, timeDeltas }: CpuProfile): readonly SelfTime[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const byName = new Map<string, number>();
  let busyUs = 0;
  for (const [sample, nodeId] of samples.entries()) {
    const name = names.get(nodeId) ?? '(unknown)';
    const deltaUs = timeDeltas[sample] ?? 0;
    if (name === IDLE) continue;
    busyUs += deltaUs;
    byName.set(name, (byName.get(name) ?? 0) + deltaUs);
  }
  return [...byName]
    .map(([name, selfUs]) => ({ name, selfUs, share: selfUs / busyUs }))
    .sort((left, right) => right.selfUs - left.selfUs);
}

function nameOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const file = url.split('/').slice(-2).join('/');
  return `${name} ${file}:${lineNumber + 1}`;
}
