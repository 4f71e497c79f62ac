/**
 * Runs the test suite on the Node.js that runs this script: all of test/ by default, or the files and flags given.
 * `npm test -- test/core/quorum/*.test.ts --test-name-pattern=joint`
 */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';

const flags = [
  // Examples and end-to-end tests import the package by name; this makes that mean src/, with no build in between.
  '--conditions=zlayer-source',
  // Node.js 22 warns about type stripping in every process.
  '--disable-warning=ExperimentalWarning',
  '--test',
  '--test-timeout=300000',
  // One process a file, as many at a time as there are cores; by default one core stays idle.
  `--test-concurrency=${availableParallelism()}`,
];

const given = process.argv.slice(2);
const hasFiles = given.some((argument) => !argument.startsWith('-'));
const files = hasFiles ? [] : ['test/**/*.test.ts'];
if (!given.some((argument) => argument.startsWith('--test-reporter'))) {
  flags.push('--test-reporter=spec');
}

const child = spawn(process.execPath, [...flags, ...given, ...files], { stdio: 'inherit' });
child.on('exit', (code, signal) => {
  process.exitCode = signal === null ? (code ?? 1) : 1;
});
