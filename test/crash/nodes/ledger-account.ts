/** What was proposed and what was acknowledged, over the processes that had one ledger in turn. */
import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import type { Checked } from '../support/crash-run.ts';
import type { Report } from '../support/victim.ts';
import type { LedgerRow } from './ledger.ts';
import { IDS_PER_PROCESS, ledgerRequest } from './ledger.ts';

export class LedgerAccount {
  /** In the order of the calls; what is known not to be in the log is taken out. */
  #called: number[] = [];
  readonly #acknowledged = new Set<number>();
  /** Those of the last process. */
  #newCount = 0;

  /** A process proposes in the order of its ids, and is killed: what is lost of that is lost from the end. */
  add(reports: readonly Report[]): void {
    const before = this.#acknowledged.size;
    for (const { name, number } of reports) {
      if (name === 'call propose') this.#called.push(number);
      if (name === 'done propose') this.#acknowledged.add(number);
    }
    this.#newCount = this.#acknowledged.size - before;
  }

  /** @throws AssertionError when something is missing, was invented, came twice, or is out of order */
  check(rows: ReadonlyMap<number, LedgerRow>): Checked {
    const found = [...rows.keys()].sort((a, b) => a - b);
    for (const id of this.#acknowledged) assert.ok(rows.has(id), `the acknowledged proposal ${id} is lost`);
    let lastIndex = 0;
    for (const id of found) {
      const { checksum, times, index } = rows.get(id) ?? { checksum: 0, times: 0, index: 0 };
      assert.equal(times, 1, `proposal ${id} was applied ${times} times`);
      assert.equal(checksum, crc32(ledgerRequest(id).payload), `proposal ${id} has other bytes`);
      assert.ok(index > lastIndex, `proposal ${id} at ${index} came before the one at ${lastIndex}`);
      lastIndex = index;
    }
    const present = this.#called.filter((id) => rows.has(id));
    assert.deepEqual(found, present, 'a proposal is there that nobody made');
    checkPrefixes(present);
    this.#called = present;
    // What was found once must stay from then on.
    const unacknowledged = present.length - this.#acknowledged.size;
    for (const id of present) this.#acknowledged.add(id);
    return { acknowledged: this.#newCount, unacknowledged };
  }
}

/** Of the ids of each process a first part is there. */
function checkPrefixes(present: readonly number[]): void {
  for (const [position, id] of present.entries()) {
    const isFirst = id % IDS_PER_PROCESS === 1;
    assert.ok(isFirst || present[position - 1] === id - 1, `proposal ${id} is there, but not the one before it`);
  }
}
