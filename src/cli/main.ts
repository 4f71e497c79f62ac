#!/usr/bin/env node
/** The program `zlayer-consensus`. */
import { systemTerminal } from './terminal.ts';

const { error } = systemTerminal;

// Who reads the output may have seen enough of it.
process.stdout.on('error', () => process.exit(0));

process.exitCode = await main().catch((problem: unknown) => {
  const { code, message } = problem as { readonly code?: unknown; readonly message?: unknown };
  if (code !== 'ERR_MODULE_NOT_FOUND') throw problem;
  error(
    `zlayer-consensus: ${String(message)}\nInstall what durable storage needs: npm install lmdb fs-native-extensions\n`,
  );
  return 1;
});

/** Loads the rest only now: it needs packages that are optional. */
async function main(): Promise<number> {
  const { Interruption, runCli } = await import('./run-cli.ts');
  const controller = new AbortController();
  // Once: whoever asks again wants it to end at once.
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => controller.abort(new Interruption(name)));
  }
  return await runCli(process.argv.slice(2), { terminal: systemTerminal, signal: controller.signal });
}
