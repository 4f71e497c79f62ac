/** How the report looks: light or dark like the reader's system. */
export const PAGE_STYLE = `
:root{color-scheme:light dark;--text:#1c2430;--soft:#5c6878;--page:#fff;--line:#e1e5ea;--panel:#f5f7f9;
--ok:#4a86c5;--failed:#e8a33d;--unknown:#8a5fb8;--outage:#d0392b;--fault:#c9d3de;--fault-text:#26303c;--shade:#f0f3f6;
--good:#1d7a46;--bad:#c0271a}
@media (prefers-color-scheme:dark){:root{--text:#e4e9f0;--soft:#9aa7b8;--page:#12161c;--line:#2b333e;--panel:#1a2029;
--ok:#5b97d6;--failed:#e3a549;--unknown:#a583d0;--outage:#e6584a;--fault:#3c4856;--fault-text:#e4e9f0;--shade:#1a2028;
--good:#58c088;--bad:#ff7b6e}}
body{margin:24px auto;padding:0 16px;max-width:1140px;font:15px/1.5 system-ui,"Liberation Sans",sans-serif;color:var(--text);
background:var(--page)}
header{border-left:6px solid var(--good);padding:2px 0 2px 16px}
header.bad{border-color:var(--bad)}
header h1{margin:0;font-size:26px;color:var(--good)}
header.bad h1{color:var(--bad)}
header p{margin:6px 0 0}
h2{margin:32px 0 6px;font-size:18px}
.soft{color:var(--soft);font-weight:normal}
p.soft{margin:4px 0 10px;max-width:900px}
a{color:var(--ok)}
code{font:13px ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;background:var(--panel);padding:1px 5px;
border-radius:4px;overflow-wrap:anywhere}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(165px,1fr));gap:12px;margin:22px 0 0}
.tile{background:var(--panel);border-radius:8px;padding:12px 14px}
.tile .name{font-size:13px;color:var(--soft)}
.tile .value{font-size:20px;font-weight:600}
.tile.bad .value{color:var(--bad)}
.tile .soft{font-size:13px}
.picture{overflow-x:auto}
.chart{display:block;font:12px system-ui,"Liberation Sans",sans-serif}
.legend{margin:4px 0 8px;font-size:13px;color:var(--soft)}
.key{display:inline-block;width:12px;height:12px;border-radius:2px;margin:0 5px 0 12px;vertical-align:-1px}
.key:first-child{margin-left:0}
.ok{fill:var(--ok)}.failed{fill:var(--failed)}.unknown{fill:var(--unknown)}.outage{fill:var(--outage)}
.fault{fill:var(--fault)}.shade{fill:var(--shade)}
.key.ok{background:var(--ok)}.key.failed{background:var(--failed)}.key.unknown{background:var(--unknown)}
.key.outage{background:var(--outage)}.key.fault{background:var(--fault)}
.grid{stroke:var(--line);stroke-width:1}
.label{fill:var(--soft)}.end{text-anchor:end}.mid{text-anchor:middle}
.in-fault{fill:var(--fault-text);font-size:11px}
.dot{fill:var(--ok);fill-opacity:.55;stroke:var(--page)}
.median{stroke:var(--text);stroke-width:2}
table{border-collapse:collapse;margin:12px 0;width:100%;font-variant-numeric:tabular-nums}
table.narrow{width:auto;min-width:420px}
th,td{padding:5px 10px;border-bottom:1px solid var(--line);text-align:right}
th:first-child,td:first-child,td.text,tbody th{text-align:left}
thead th{font-size:13px;color:var(--soft);font-weight:600}
tbody th{font-weight:600}
.findings pre{display:inline;white-space:pre-wrap;font:13px ui-monospace,"DejaVu Sans Mono",monospace}
.findings b{color:var(--bad)}
summary{cursor:pointer;color:var(--soft)}
`;
