// Which folder may import which: data goes down as inputs and comes up as effects; no layer imports upward.
// Type imports count like any other.

const entryPoints = '^src/(index|(core|raft|testing|(storage|network)/[^/]+|storage/lmdb/offline)/index)\\.ts$';

// The part of core that all may know at run time too: plain data and its factories. Of the rest, only types.
const coreData = '^src/core/(ids|entry|hard-state|message|input|effect|options|refusal|membership/membership)\\.ts$';

const errors = '^src/errors\\.ts$';
const folder = (name) => `^src/${name}/`;
const [core, ports, codec, system] = ['core', 'ports', 'codec', 'system'].map(folder);
const [runtime, raft, node] = ['runtime', 'raft', 'node'].map(folder);

const layers = [
  { name: 'core', from: core, mayImport: [core] },
  { name: 'errors', from: errors, mayImport: [core], coreTypesOnly: true },
  { name: 'ports', from: ports, mayImport: [core, errors, ports], coreTypesOnly: true },
  { name: 'codec', from: codec, mayImport: [core, errors, ports, codec], coreTypesOnly: true },
  { name: 'system', from: system, mayImport: [ports, system] },
  { name: 'runtime', from: runtime, mayImport: [core, errors, ports, codec, runtime] },
  { name: 'raft', from: raft, mayImport: [core, errors, ports, codec, system, runtime, raft], coreTypesOnly: true },
  {
    name: 'node',
    from: node,
    // One adapter, as the default of an optional part: who names no snapshot store gets the one that keeps them in memory.
    mayImport: [core, errors, ports, codec, runtime, raft, node, '^src/storage/memory/mem-snapshot-store\\.ts$'],
    coreTypesOnly: true,
  },
  {
    name: 'adapters',
    from: '^src/(storage|network)/((?!lmdb/)[^/]+)/',
    mayImport: [core, errors, ports, codec, system, '^src/$1/$2/'],
    coreTypesOnly: true,
  },
  {
    name: 'lmdb',
    // Composes the parts of a durable store: the log over its database, and the snapshots beside it.
    from: folder('storage/lmdb'),
    mayImport: [
      core,
      errors,
      ports,
      codec,
      system,
      ...['lmdb', 'group-log', 'snapshot-files'].map((name) => folder(`storage/${name}`)),
    ],
    coreTypesOnly: true,
  },
  {
    name: 'testing',
    from: folder('testing'),
    mayImport: [
      core,
      errors,
      ports,
      codec,
      runtime,
      raft,
      node,
      folder('testing'),
      ...['memory', 'group-log', 'snapshot-files'].map((name) => folder(`storage/${name}`)),
      folder('network/memory'),
    ],
  },
  { name: 'cli', from: folder('cli'), mayImport: [entryPoints, folder('cli')] },
  { name: 'dashboard', from: folder('dashboard'), mayImport: [entryPoints, folder('dashboard')] },
  { name: 'examples', from: '^examples/', mayImport: [entryPoints] },
  { name: 'bench', from: '^bench/', mayImport: [entryPoints] },
  { name: 'chaos', from: '^chaos/', mayImport: [entryPoints] },
  { name: 'mutants', from: '^mutants/', mayImport: [folder('testing/simulator')] },
];

const layerRules = layers.map(({ name, from, mayImport }) => ({
  name: `layer-${name}`,
  severity: 'error',
  comment: `${name} may not import this folder (see the table in CONTRIBUTING.md)`,
  from: { path: from },
  to: { path: '^(src|test)/', pathNot: mayImport },
}));

const coreTypesRules = layers
  .filter((layer) => layer.coreTypesOnly === true)
  .map(({ name, from }) => ({
    name: `core-types-${name}`,
    severity: 'error',
    comment: `${name} knows core's data; of the algorithm it may import only types`,
    from: { path: from },
    to: { path: core, pathNot: [coreData], dependencyTypesNot: ['type-only'] },
  }));

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...layerRules,
    ...coreTypesRules,
    {
      name: 'no-cycle',
      severity: 'error',
      comment: 'imports go one way, type imports included',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-missing-file',
      severity: 'error',
      comment: 'the imported file or package does not exist',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'source-imports-only-source',
      severity: 'error',
      comment: 'src must not depend on tests, examples, benchmarks or scripts',
      from: { path: '^src/' },
      to: { path: '^(test|examples|bench|chaos|mutants|scripts)/' },
    },
    {
      name: 'examples-use-the-package-name',
      severity: 'error',
      comment: 'import zlayer-consensus or one of its entry points, as a user does',
      from: { path: '^(examples|bench|chaos)/' },
      to: { path: '^src/', dependencyTypes: ['local'] },
    },
    {
      name: 'core-is-pure',
      severity: 'error',
      comment: 'core imports neither Node.js modules nor packages',
      from: { path: core },
      to: { dependencyTypes: ['core', 'npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'no-packages-below-the-adapters',
      severity: 'error',
      comment: 'only codec, adapters, the testing kit and the command line may use packages',
      from: { path: [errors, ports, runtime, raft, node] },
      to: { dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'no-development-packages-in-source',
      severity: 'error',
      comment: 'what src imports must be installed with the package, or be a peer that the user installs',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only', 'npm-peer'], pathNot: '@types/node' },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: ['node_modules', '^dist/'] },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['zlayer-source', 'import', 'node', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json', '.d.ts'],
    },
  },
};
