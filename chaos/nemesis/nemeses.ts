/** Every kind of fault, and what does it. */
import { clock } from './clock-faults.ts';
import { diskFull } from './disk-faults.ts';
import type { FaultName } from './fault.ts';
import { membership } from './membership-faults.ts';
import { delay, duplicate, loss, partition } from './network-faults.ts';
import { kill, pause, restart } from './process-faults.ts';
import type { Nemesis } from './world.ts';

export const NEMESES: Readonly<Record<FaultName, Nemesis>> = {
  kill,
  pause,
  partition,
  delay,
  loss,
  duplicate,
  'disk-full': diskFull,
  clock,
  membership,
  restart,
};
