/** A directory for what a scenario writes: on the disk of the working directory, as a database's would be. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';

const FOLDER = resolve('.bench');

export interface Scratch {
  readonly directory: string;
  remove(): Promise<void>;
}

export async function makeScratch(): Promise<Scratch> {
  await mkdir(FOLDER, { recursive: true });
  const directory = await mkdtemp(join(FOLDER, 'scratch-'));
  return { directory, remove: () => rm(directory, { recursive: true, force: true }) };
}
