/** The network between nodes of one process: `zlayer-consensus/network/memory`. */
export type { MemMessageFilter } from './mem-endpoint.ts';
export type { MemDelay } from './mem-fabric.ts';
export type { MemHubOptions } from './mem-hub.ts';
export { MemHub } from './mem-hub.ts';
export { MemNetwork } from './mem-network.ts';
