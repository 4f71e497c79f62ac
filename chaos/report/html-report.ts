/** The report as a page that stands alone. */
import { basename } from 'node:path';
import { FAULTS } from '../nemesis/fault.ts';
import { gapChart } from './gap-chart.ts';
import { count, duration, escapeText } from './markup.ts';
import { PAGE_STYLE } from './page-style.ts';
import type { ChaosResult, NemesisRow } from './result.ts';
import { timelineChart } from './timeline-chart.ts';

const HEADLINES: Readonly<Record<ChaosResult['outcome'], string>> = {
  ok: 'Nothing was lost, and every answer was right',
  violation: 'A promise was broken',
  liveness: 'The healed cluster did not serve in time',
  crash: 'A node or the harness broke',
  undecided: 'Not decided: the checker gave up',
  interrupted: 'The run was interrupted',
};

/** A whole HTML page without references to anything else but the files beside it. */
export function renderReport(result: ChaosResult): string {
  const { outcome, whole, perSecond, outages, faults, rows } = result;
  const nemeses = rows.flatMap(({ nemesis }) => (nemesis === 'none' ? [] : [nemesis]));
  const title = `Chaos: ${HEADLINES[outcome]}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeText(title)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<header class="${outcome === 'ok' ? 'good' : 'bad'}">
<h1>${escapeText(HEADLINES[outcome])}</h1>
<p>${escapeText(describeRun(result))}</p>
<p><code>${escapeText(result.command)}</code></p>
</header>
${findings(result)}
${tiles(result)}
<h2>What happened</h2>
<p class="legend"><span class="key ok"></span>ok <span class="key failed"></span>failed: certainly not done
<span class="key unknown"></span>unknown: perhaps done, perhaps later <span class="key outage"></span>no success for
${duration(result.outageMs)} or longer <span class="key fault"></span>a fault</p>
<div class="picture">${timelineChart({ whole, perSecond, outages, faults, nemeses })}</div>
<h2>Availability</h2>
<p class="soft">For each fault, from its start to a second after its end: the longest time in which no operation of any
client succeeded, in full, also where it began before or ended after. The bar is the median. When faults of several kinds coincide, the
same time counts for each of them.</p>
<div class="picture">${gapChart(rows)}</div>
${nemesisTable(rows)}
${leftOut(result)}
${codes(result)}
${replicas(result)}
${faultList(result)}
<p class="soft">Beside this page: <a href="report.json">report.json</a>, <a href="history.jsonl">history.jsonl</a>, and
the logs of all processes.</p>
</body>
</html>
`;
}

function describeRun({ args, networkKind, startedAt, machine }: ChaosResult): string {
  const state = args.state === 'disk' ? 'state on disk' : 'state in memory';
  const network = networkKind === 'namespaces' ? 'a network namespace each' : 'proxies on loopback';
  const { node, cpu, cores, loadAverage } = machine;
  return (
    `${args.nodes} nodes as processes, storage on disk, ${state}, ${network}; ${args.clients} clients; ` +
    `${args.seconds} s of faults. ${startedAt.slice(0, 16).replace('T', ' ')} UTC, Node.js ${node}, ${cores} × ${cpu}, ` +
    `load ${loadAverage.toFixed(1)}.`
  );
}

function findings({ findings: found }: ChaosResult): string {
  if (found.length === 0) return '';
  const items = found.map(({ outcome, text }) => `<li><b>${outcome}</b> <pre>${escapeText(text)}</pre></li>`);
  return `<h2>Findings</h2><ul class="findings">${items.join('')}</ul>`;
}

interface Tile {
  readonly name: string;
  readonly value: string;
  readonly note: string;
  readonly isGood: boolean;
}

function tiles(result: ChaosResult): string {
  const drawn = [checkTile(result), ...countTiles(result), ...wholenessTiles(result)].map(
    ({ name, value, note, isGood }) =>
      `<div class="tile${isGood ? '' : ' bad'}"><div class="name">${name}</div><div class="value">${value}</div>` +
      `<div class="soft">${note}</div></div>`,
  );
  return `<div class="tiles">${drawn.join('')}</div>`;
}

function checkTile({ check }: ChaosResult): Tile {
  if (check === null) return { name: 'History', value: 'not checked', note: '', isGood: false };
  const { verdict, operations, partitions, seconds, violationFile } = check;
  const picture = violationFile === null ? '' : `, <a href="${basename(violationFile)}">picture</a>`;
  return {
    name: 'History',
    value: verdict,
    note: `${count(operations)} operations, ${count(partitions)} groups of keys, checked in ${seconds.toFixed(1)} s${picture}`,
    isGood: verdict === 'linearizable',
  };
}

function countTiles({ counts, faulty, rows }: ChaosResult): readonly Tile[] {
  const { ok, failed, unknown } = counts;
  const longest = Math.max(0, ...rows.map(({ gaps }) => gaps?.max ?? 0));
  const under = `in ${duration(faulty.endMs - faulty.startMs)} of faults`;
  return [
    {
      name: 'Operations',
      value: `${count(ok)} ok`,
      note: `${count(failed)} failed, ${count(unknown)} unknown`,
      isGood: true,
    },
    { name: 'Longest time without success', value: duration(longest), note: under, isGood: true },
  ];
}

function wholenessTiles({
  acknowledgedWrites,
  replicas: nodes,
  healedAfterMs,
  findings: found,
}: ChaosResult): readonly Tile[] {
  const isBroken = found.some(({ outcome }) => outcome === 'violation');
  const isSame = nodes.length > 0 && new Set(nodes.map(({ digest }) => digest)).size === 1;
  return [
    {
      name: 'Acknowledged writes',
      value: count(acknowledgedWrites),
      note: isBroken ? 'see the findings' : 'each applied once',
      isGood: !isBroken,
    },
    {
      name: 'Nodes at the end',
      value: nodes.length === 0 ? 'not compared' : isSame ? 'all equal' : 'different',
      note: nodes.length === 0 ? '' : `${nodes.length} nodes, ${count(nodes[0]?.keys ?? 0)} keys`,
      isGood: isSame,
    },
    {
      name: 'Whole again after',
      value: healedAfterMs === null ? 'never' : duration(healedAfterMs),
      note: 'all nodes voters, all serve',
      isGood: healedAfterMs !== null,
    },
  ];
}

function nemesisTable(rows: readonly NemesisRow[]): string {
  const body = rows.map(({ nemesis, intervals, counts, gaps }) => {
    const name = nemesis === 'none' ? 'quiet' : nemesis;
    const title = nemesis === 'none' ? 'between the faults' : FAULTS[nemesis].title;
    const ms = gaps === null ? ['', '', ''] : [gaps.p50, gaps.p99, gaps.max].map(count);
    const numbers = [intervals, counts.ok, counts.failed, counts.unknown].map(count);
    const cells = [...numbers, ...ms].map((cell) => `<td>${cell}</td>`).join('');
    return `<tr><th>${name} <span class="soft">${escapeText(title)}</span></th>${cells}</tr>`;
  });
  return `<table><thead><tr><th rowspan="2">nemesis</th><th rowspan="2">faults</th><th colspan="3">operations</th>
<th colspan="3">longest time without a success, ms</th></tr>
<tr><th>ok</th><th>failed</th><th>unknown</th><th>p50</th><th>p99</th><th>max</th></tr></thead>
<tbody>${body.join('')}</tbody></table>`;
}

function leftOut({ leftOut: left }: ChaosResult): string {
  if (left.length === 0) return '';
  const items = left.map(({ nemesis, why }) => `<li><b>${nemesis}</b>: ${escapeText(why)}</li>`);
  return `<h2>Not tested</h2><ul>${items.join('')}</ul>`;
}

function codes({ codes: rows, proxyCounts }: ChaosResult): string {
  const proxies =
    proxyCounts === null
      ? ''
      : `<p class="soft">Proxies between the nodes: ${count(proxyCounts.connections)} connections, ${count(proxyCounts.stalls)} stalls, ${count(proxyCounts.resets)} resets, ${count(proxyCounts.replays)} messages sent twice.</p>`;
  if (rows.length === 0) return proxies;
  const body = rows.map(
    ({ code, failed, unknown }) =>
      `<tr><th><code>${escapeText(code)}</code></th><td>${count(failed)}</td><td>${count(unknown)}</td></tr>`,
  );
  return `<h2>What clients were told</h2><table class="narrow"><thead><tr><th>code</th><th>failed</th><th>unknown</th></tr></thead>
<tbody>${body.join('')}</tbody></table>${proxies}`;
}

function replicas({ replicas: nodes }: ChaosResult): string {
  if (nodes.length === 0) return '';
  const body = nodes.map(
    ({ nodeId, appliedIndex, keys, digest }) =>
      `<tr><th>node ${nodeId}</th><td>${count(appliedIndex)}</td><td>${count(keys)}</td><td><code>${escapeText(digest)}</code></td></tr>`,
  );
  return `<h2>Nodes at the end</h2><table class="narrow"><thead><tr><th>node</th><th>applied index</th><th>keys</th><th>digest of the state</th></tr></thead>
<tbody>${body.join('')}</tbody></table>`;
}

function faultList({ faults }: ChaosResult): string {
  const items = faults.map(({ startMs, endMs, nemesis, what }) => {
    const when = `${(startMs / 1000).toFixed(1)} s, for ${duration(endMs - startMs)}`;
    return `<tr><td>${when}</td><th>${nemesis}</th><td class="text">${escapeText(what)}</td></tr>`;
  });
  return `<h2>${faults.length} faults</h2><details><summary>What was done, and when</summary><table><tbody>${items.join('')}</tbody></table></details>`;
}
