/** Opens the storage of a directory, says so, and keeps it. */
import { openDurableStorage } from '../../../src/storage/lmdb/index.ts';

await openDurableStorage({ directory: process.argv[2] ?? '' });
process.send?.('held');
process.once('disconnect', () => process.exit());
