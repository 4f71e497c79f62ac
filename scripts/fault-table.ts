/**
 * Lets one node of three meet every fault that a disk can have, and prints what it did, as a table in Markdown:
 * `npx node scripts/fault-table.ts`. Exit code 1 when a node did something else than it should.
 */
import { runFaultScenario } from '../test/faults/clusters/fault-scenario.ts';
import { FAULT_SCENARIOS, fieldsOf } from '../test/faults/clusters/fault-table.ts';

const HEADINGS = ['fault', 'role', 'what the node did', 'repair', 'acknowledged', 'lost'];

let failures = 0;
console.log(`| ${HEADINGS.join(' | ')} |`);
console.log(`|${HEADINGS.map(() => '---').join('|')}|`);
for (const scenario of FAULT_SCENARIOS) {
  for (const role of scenario.roles) {
    try {
      console.log(`| ${fieldsOf(await runFaultScenario(scenario, role)).join(' | ')} |`);
    } catch (error) {
      failures += 1;
      console.log(`| ${scenario.fault} | ${role} | FAILED: ${String(error).replaceAll('\n', ' ')} | | | |`);
    }
  }
}
process.exitCode = failures === 0 ? 0 : 1;
