/** Prints where the processes of a scenario spent their time. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { selfTimes } from './cpu-profile.ts';

/** How many functions are listed. */
const FUNCTIONS_MAX = 20;

/** One list for each profile in a folder. */
export function printProfiles(folder: string): void {
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'))) {
    const functions = selfTimes(JSON.parse(readFileSync(join(folder, file), 'utf8')));
    console.log(`\n${join(folder, file)}: time at the top of the stack, of the time it was busy`);
    for (const { name, share, selfUs } of functions.slice(0, FUNCTIONS_MAX)) {
      console.log(`${(share * 100).toFixed(1).padStart(6)} % ${(selfUs / 1000).toFixed(0).padStart(8)} ms  ${name}`);
    }
  }
}
