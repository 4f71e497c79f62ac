/** The network over HTTP: `zlayer-consensus/network/http`. */
export type { AuthToken } from './bearer-token.ts';
export { HttpNetwork } from './http-network.ts';
export type { HttpNetworkOptions, HttpNetworkSettings } from './network-options.ts';
export { DEFAULT_HTTP_NETWORK } from './network-options.ts';
export type { RaftService } from './raft-service.ts';
export { raftService } from './raft-service.ts';
export type { RaftServiceOptions, RaftServiceSettings, RaftServiceTarget } from './service-options.ts';
export { DEFAULT_RAFT_SERVICE } from './service-options.ts';
export type { RaftServiceStats, RefusalKind } from './service-report.ts';
