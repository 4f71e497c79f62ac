/** All clients, in a process of their own. */
import { answerCommands } from '../support/channel.ts';
import { monotonicMs } from '../support/monotonic.ts';
import type { ClientCommands, ClientTarget } from './client-commands.ts';
import { Clients } from './clients.ts';
import { HistoryFile } from './history-file.ts';

const targets = new Map<number, ClientTarget>();
let clients: Clients | null = null;
let history: HistoryFile | null = null;

function working(): Clients {
  if (clients === null) throw new Error('the clients were not started');
  return clients;
}

answerCommands<ClientCommands>({
  async start(setup) {
    const originMs = monotonicMs();
    history = new HistoryFile(setup.historyFile, () => monotonicMs() - originMs);
    clients = new Clients(setup, history, targets);
    return { originMs };
  },
  async target(target) {
    targets.set(target.place, target);
    return null;
  },
  counts: async () => working().counts,
  async stop() {
    await working().stop();
    history?.flush();
    return working().counts;
  },
  async 'read-all'({ place }) {
    const result = await working().readAll(place);
    history?.flush();
    return result;
  },
});
