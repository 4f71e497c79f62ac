/** The network suite's surroundings on one in-memory hub. */
import { MemHub } from '../../../src/network/memory/mem-hub.ts';
import type { MemNetwork } from '../../../src/network/memory/mem-network.ts';
import type { NetworkEndpoint, NetworkWorld } from '../../../src/testing/conformance/network-world.ts';

const MAX_QUEUE_BYTES = 1024 * 1024;

export async function createMemWorld(): Promise<NetworkWorld> {
  const hub = new MemHub({ maxQueueBytes: MAX_QUEUE_BYTES });
  const networks: MemNetwork[] = [];
  let lastAddr = 0;
  const reserve = (): string => {
    lastAddr += 1;
    return `n${lastAddr}:1`;
  };
  return {
    maxQueueBytes: MAX_QUEUE_BYTES,
    maxSnapshotWindowBytes: 0,
    async reserveAddr(): Promise<string> {
      return reserve();
    },
    async listen(addr, handler): Promise<NetworkEndpoint> {
      const network = hub.network(addr);
      networks.push(network);
      await network.open(handler);
      return { network, close: async () => await network.close() };
    },
    async hangingAddr(): Promise<string> {
      const addr = reserve();
      hub.hang(addr);
      return addr;
    },
    async close(): Promise<void> {
      for (const network of networks) {
        await network.close();
      }
    },
  };
}
