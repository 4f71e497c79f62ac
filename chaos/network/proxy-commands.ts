/** What the process of the proxies can be told. */
import type { LineCondition } from './line.ts';
import type { Endpoint, LinkProxyCounts } from './link-proxy.ts';

export type LineConditions = readonly (readonly [number, LineCondition])[];

export type ProxyCommands = {
  /** Opens the proxy before the node of a place; answers with its port. */
  readonly open: {
    readonly given: { readonly place: number; readonly endpoint: Endpoint; readonly seed: number };
    readonly answer: number;
  };
  readonly target: { readonly given: { readonly place: number; readonly endpoint: Endpoint }; readonly answer: null };
  readonly lines: {
    readonly given: { readonly place: number; readonly inbound: LineConditions; readonly outbound: LineConditions };
    readonly answer: null;
  };
  readonly counts: { readonly given: null; readonly answer: LinkProxyCounts };
};
