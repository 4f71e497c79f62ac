/** Log store cases about a second opener of the same place. */
import type { Checks } from './conformance-suite.ts';
import { expectEntries, expectRejection } from './expect.ts';
import type { LogStoreWorld } from './log-store-world.ts';
import { OPEN_OPTIONS, readAll } from './log-store-world.ts';
import { sampleEntry, sampleLog } from './sample-entries.ts';

const LOG = sampleLog();

/** For stores that keep a second one out. */
export const lockChecks: Checks<LogStoreWorld> = {
  'refuses to open a place that is open already, and the first store goes on': async (world) => {
    await world.store.append(LOG);
    const second = await world.beside();
    await expectRejection(() => second.open(OPEN_OPTIONS), 'STORAGE');
    await world.store.append([sampleEntry(2, 12)]);
    expectEntries(await readAll(world.store), [...LOG, sampleEntry(2, 12)]);
    await world.store.saveHardState({ term: 3, votedFor: 7 });
  },

  'opens a place again that a refused second opener had tried': async (world) => {
    await world.store.append(LOG);
    const second = await world.beside();
    await expectRejection(() => second.open(OPEN_OPTIONS), 'STORAGE');
    await world.reopen();
    expectEntries(await readAll(world.store), LOG);
    await world.store.append([sampleEntry(2, 12)]);
  },
};
