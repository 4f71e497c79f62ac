/** Prints which required behaviours no test shows yet, and fails when the list of open ones is not exact. */
import { globSync, readFileSync } from 'node:fs';
import { compareCoverage, findScenarioIds } from './scenarios/coverage.ts';
import areas from './scenarios/ids.json' with { type: 'json' };
import open from './scenarios/open.json' with { type: 'json' };

// test/tooling is left out: the tests of this comparison name ids without showing anything.
const paths = globSync(['test/**/*.test.ts', 'test/scripts/**/*.*', 'src/testing/**/*.ts'], {
  exclude: ['test/tooling/**'],
});

const mentions = new Map<string, string[]>();
for (const path of paths.sort()) {
  for (const id of findScenarioIds(path, readFileSync(path, 'utf8'))) {
    mentions.set(id, [...(mentions.get(id) ?? []), path]);
  }
}

const ids = areas.flatMap((area) => area.ids);
const { uncoveredIds, problems } = compareCoverage({ ids, open, mentions });
for (const { area, ids: areaIds } of areas) {
  const missing = areaIds.filter((id) => uncoveredIds.includes(id));
  if (missing.length > 0) {
    console.log(`${area}: ${areaIds.length - missing.length} of ${areaIds.length} shown; open: ${missing.join(' ')}`);
  }
}
console.log(`${ids.length - uncoveredIds.length} of ${ids.length} behaviours have a test`);
for (const problem of problems) {
  console.error(problem);
}
process.exitCode = problems.length === 0 ? 0 : 1;
