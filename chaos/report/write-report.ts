/** Writes the report: one file for programs, one for people. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderReport } from './html-report.ts';
import type { ChaosResult } from './result.ts';

/** Raised when a reader of the JSON would have to change. */
const FORMAT = 1;

export function writeReport(directory: string, result: ChaosResult): void {
  writeFileSync(join(directory, 'report.json'), `${JSON.stringify({ format: FORMAT, ...result }, null, 2)}\n`);
  writeFileSync(join(directory, 'report.html'), renderReport(result));
}
