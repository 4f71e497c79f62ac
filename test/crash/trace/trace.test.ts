import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SeededRandom } from '../../../src/testing/conformance/seeded-random.ts';
import { TracedFile } from './power-cuts.ts';
import { readTrace } from './strace-reader.ts';
import { checkCommitOrder, checkPublishOrder } from './sync-order.ts';

const DATA = '/d/data.mdb';

/** As `strace -xx` shows it. */
function hex(text: string): string {
  return [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}

function open(descriptor: number, path: string, flags: string): string {
  return `7 openat(AT_FDCWD<${hex('/')}>, "${hex(path)}", ${flags}) = ${descriptor}<${hex(path)}>`;
}

function pwrite(descriptor: number, path: string, text: string, position: number): string {
  return `7 pwrite64(${descriptor}<${hex(path)}>, "${hex(text)}", ${text.length}, ${position}) = ${text.length}`;
}

function sync(descriptor: number, path: string): string {
  return `7 fdatasync(${descriptor}<${hex(path)}>) = 0`;
}

function report(text: string): string {
  return `7 write(1<${hex('pipe:[1]')}>, "${hex(`${text}\n`)}", ${text.length + 1}) = ${text.length + 1}`;
}

const OPENED = [open(5, DATA, 'O_RDWR|O_CREAT'), open(6, DATA, 'O_RDWR|O_DSYNC')];

describe('a trace', () => {
  test('is read with calls that end in another line, positions that were sought, and calls that failed or never ended', () => {
    const calls = readTrace(
      [
        ...OPENED,
        `8 pwrite64(5<${hex(DATA)}>, "${hex('ab')}", 2, 10 <unfinished ...>`,
        `7 lseek(5<${hex(DATA)}>, 20, SEEK_SET) = 20`,
        '8 <... pwrite64 resumed>) = 2',
        `7 writev(5<${hex(DATA)}>, [{iov_base="${hex('cd')}", iov_len=2}, {iov_base="${hex('e')}", iov_len=1}], 2) = 3`,
        `7 pwrite64(5<${hex(DATA)}>, "${hex('zz')}", 2, 0) = -1 ENOSPC (No space left on device)`,
        `9   pwrite64(6<${hex(DATA)}>, "${hex('f')}", 1, 30 <unfinished ...>`,
        '9 +++ killed by SIGKILL +++',
      ].join('\n'),
    );
    const writes = calls.flatMap((call) => (call.type === 'write' ? [call] : []));
    assert.deepEqual(
      writes.map(({ bytes, position, isSynchronous, beginLine, endLine }) => [
        String(bytes),
        position,
        isSynchronous,
        beginLine,
        endLine,
      ]),
      [
        ['ab', 10, false, 2, 4],
        ['cde', 20, false, 5, 5],
        ['f', 30, true, 7, Number.POSITIVE_INFINITY],
      ],
    );
    assert.throws(() => readTrace(`7 msync(0x7, 4096, MS_SYNC) = 0`), /not understood/);
    assert.throws(() => readTrace(`7 pwrite64(5<${hex(DATA)}>, "${hex('a')}"..., 2, 0) = 2`), /greater -s/);
  });
});

describe('a power cut', () => {
  const calls = readTrace(
    [...OPENED, pwrite(5, DATA, 'first', 0), sync(5, DATA), pwrite(5, DATA, 'second', 5), pwrite(6, DATA, 'x', 0)].join(
      '\n',
    ),
  );
  const contents = (line: number, isHonest = true): Set<string> => {
    const file = new TracedFile(calls, DATA, { isHonest });
    return new Set(Array.from({ length: 40 }, (_, seed) => String(file.contentAfter(line, new SeededRandom(seed)))));
  };

  test('leaves what was synced, and perhaps what was not', () => {
    assert.deepEqual(contents(3), new Set(['first']));
    assert.deepEqual(contents(4), new Set(['first', 'firstsecond']));
    assert.deepEqual(contents(5), new Set(['xirst', 'xirstsecond']));
  });

  test('may leave nothing before the sync, or where a disk ignores it', () => {
    assert.deepEqual(contents(2), new Set(['', 'first']));
    assert.ok(contents(5, false).has(''));
  });
});

describe('the order of syncs', () => {
  const commit = [pwrite(5, DATA, 'page', 8), sync(5, DATA), pwrite(6, DATA, 'meta', 0)];

  test('is right when pages are synced before the page that makes them valid', () => {
    const order = checkCommitOrder(readTrace([...OPENED, ...commit, ...commit].join('\n')), DATA);
    assert.deepEqual(order.violations, []);
    assert.deepEqual(order.counts, { commits: 2, 'writes of pages': 2, 'syncs of the file': 2 });
  });

  test('is wrong when a page is not synced', () => {
    const [page = '', , meta = ''] = commit;
    const order = checkCommitOrder(readTrace([...OPENED, ...commit, page, meta].join('\n')), DATA);
    assert.deepEqual(order.violations, ['the commit at line 6 makes a page valid that line 5 wrote, unsynced']);
  });

  const file = '/d/1.unfinished';
  const publication = [
    open(7, file, 'O_RDWR|O_CREAT'),
    pwrite(7, file, 'all', 0),
    sync(7, file),
    `7 rename("${hex(file)}", "${hex('/d/1.snapshot')}") = 0`,
    `7 fsync(8<${hex('/d')}>) = 0`,
    report('done publish#1'),
  ];
  const without = (position: number): string[] =>
    checkPublishOrder(readTrace(publication.toSpliced(position, 1).join('\n')), 'done publish').violations.slice();

  test('is right when a snapshot is synced, named, and its name is synced, before it is told', () => {
    const { counts, violations } = checkPublishOrder(readTrace(publication.join('\n')), 'done publish');
    assert.deepEqual(violations, []);
    assert.deepEqual(counts, { publications: 1, 'acknowledgements of them': 1 });
  });

  test('is wrong when one of the syncs is missing', () => {
    assert.match(without(2).join(), /got its name at line 2, before it was synced/);
    assert.match(without(4).join(), /whose name was not synced/);
  });
});
