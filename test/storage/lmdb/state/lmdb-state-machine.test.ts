import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { msgpackCodec } from '../../../../src/codec/msgpack-codec.ts';
import { LmdbStateMachine } from '../../../../src/storage/lmdb/state/lmdb-state-machine.ts';
import { runSuite } from '../../../../src/testing/conformance/conformance-suite.ts';
import { stateMachineSuite } from '../../../../src/testing/conformance/state-machine-suite.ts';

interface Put {
  readonly key: string;
  readonly value: number;
}

describe('LmdbStateMachine', () => {
  runSuite(
    stateMachineSuite<Put, number | null>({
      persistent: true,
      codec: msgpackCodec(),
      makeRequest: (number) => ({ key: `key ${number % 7000}`, value: number }),
      makeFailingRequest: () => ({ key: 'fail', value: 0 }),
      create: () => {
        const directory = mkdtempSync(join(tmpdir(), 'zlayer-state-'));
        let machine: LmdbStateMachine<Put, number | null>;
        return {
          make: () => {
            machine = new LmdbStateMachine({
              directory,
              apply(transaction, { key, value }) {
                const pairs = transaction.table<string, number>('pairs');
                const before = pairs.get(key) ?? null;
                pairs.put(key, value);
                if (key === 'fail') throw new Error('a request that fails');
                return before;
              },
            });
            return machine;
          },
          readState: () => machine.read((transaction) => [...transaction.table('pairs').range()]),
          remove: () => rmSync(directory, { recursive: true }),
        };
      },
    }),
    test,
  );
});
