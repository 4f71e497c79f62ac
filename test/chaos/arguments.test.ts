import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ChaosArguments } from '../../chaos/cli/arguments.ts';
import { HELP, parseArguments } from '../../chaos/cli/arguments.ts';
import { EXIT_CODES, UsageError } from '../../chaos/cli/exit-codes.ts';
import { DEFAULT_FAULTS } from '../../chaos/nemesis/fault.ts';
import { commandOf, worstOf } from '../../chaos/run/summary.ts';

const NEW_SEED = 99;

function parsed(...given: string[]): ChaosArguments {
  const command = parseArguments(given, NEW_SEED);
  assert.ok('args' in command);
  return command.args;
}

function refusal(...given: string[]): string {
  try {
    parseArguments(given, NEW_SEED);
  } catch (error) {
    assert.ok(error instanceof UsageError);
    return error.message;
  }
  return assert.fail(`${given.join(' ')} was taken`);
}

describe('the command line of a chaos run', () => {
  test('without options: all kinds of faults for a minute on five nodes, with a new seed', () => {
    const { seconds, nemeses, isNamed, seed, nodes } = parsed();
    assert.deepEqual({ seconds, isNamed, seed, nodes }, { seconds: 60, isNamed: false, seed: NEW_SEED, nodes: 5 });
    assert.deepEqual(nemeses, DEFAULT_FAULTS);
  });

  test('takes every option', () => {
    const given =
      '--seconds 5 --nemesis kill,pause --seed 4 --nodes 3 --clients 2 --rate 50 --state disk --network loopback';
    const args = parsed(...given.split(' '), '--heal-seconds', '9', '--report', 'out', '--json', '--keep-data');
    assert.deepEqual(args, {
      seconds: 5,
      nemeses: ['kill', 'pause'],
      isNamed: true,
      seed: 4,
      nodes: 3,
      clients: 2,
      ratePerSecond: 50,
      state: 'disk',
      network: 'loopback',
      healSeconds: 9,
      reportDirectory: 'out',
      isJson: true,
      isKeepingData: true,
    });
    assert.deepEqual(parseArguments(['--help'], 1), { type: 'help' });
    assert.deepEqual(parseArguments(['--clean'], 1), { type: 'clean' });
    assert.equal(parseArguments(['--plan'], 1).type, 'plan');
  });

  test('says what is wrong, and what there is', () => {
    assert.match(refusal('--secnds', '5'), /--secnds/);
    assert.match(refusal('--seconds', '0'), /--seconds must be an integer from 1 to 86400, not '0'/);
    assert.match(refusal('--seconds', '1.5'), /not '1\.5'/);
    assert.match(refusal('--nodes', '10'), /from 1 to 9/);
    assert.match(refusal('--nemesis', 'kill,meteor'), /no such nemesis: 'meteor'; there are kill, pause, partition/);
    assert.match(refusal('--state', 'tape'), /memory or disk/);
    assert.match(refusal('--network', 'pigeons'), /auto or namespaces or loopback/);
    assert.match(refusal('extra'), /extra/);
  });

  test('a fault that would leave no cluster is refused by name, and left out of all', () => {
    assert.match(refusal('--nodes', '2', '--nemesis', 'membership'), /--nemesis membership needs --nodes 3 or more/);
    assert.match(refusal('--nodes', '1', '--nemesis', 'partition'), /needs --nodes 2 or more/);
    const { nemeses } = parsed('--nodes', '1');
    assert.deepEqual(nemeses, ['kill', 'pause', 'disk-full', 'clock', 'restart']);
  });

  test('none is a base line', () => {
    const { nemeses, isNamed } = parsed('--nemesis', 'none');
    assert.deepEqual({ nemeses, isNamed }, { nemeses: [], isNamed: true });
  });

  test('the help names every option, every fault and every exit code', () => {
    for (const name of ['seconds', 'nemesis', 'seed', 'nodes', 'clients', 'rate', 'state', 'network', 'report']) {
      assert.ok(HELP.includes(`--${name} `), name);
    }
    for (const fault of DEFAULT_FAULTS) assert.ok(HELP.includes(`  ${fault} `), fault);
    for (const code of Object.values(EXIT_CODES)) assert.match(HELP, new RegExp(`\\b${code} `));
  });

  test('the command of a report gives the same run again', () => {
    for (const given of [[], ['--nemesis', 'none'], ['--nemesis', 'kill,clock', '--nodes', '3', '--seed', '8']]) {
      const args = parsed(...given);
      const [, options = ''] = commandOf(args).split(' -- ');
      assert.deepEqual(parsed(...options.split(' ')), args);
    }
  });

  test('of several findings the one with the lowest exit code counts', () => {
    assert.equal(worstOf([]), 'ok');
    const found = [
      { outcome: 'liveness', text: '' },
      { outcome: 'violation', text: '' },
      { outcome: 'crash', text: '' },
    ] as const;
    assert.equal(worstOf(found), 'violation');
    assert.equal(worstOf(found.slice(0, 1)), 'liveness');
  });
});
