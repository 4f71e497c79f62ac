/** Switches of a running node: openraft's `RuntimeConfigHandle`. For tests and for maintenance. */
import type { Runtime } from '../runtime/runtime.ts';

/** All are on at the start. Each takes effect in the next turn. */
export class RuntimeSwitches {
  readonly #runtime: Runtime;
  readonly #switches = { tick: true, heartbeat: true, elect: true };

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Off: nothing happens because of time: no election, no heartbeat, no step-down; replication goes on. */
  tick(isOn: boolean): void {
    this.#set('tick', isOn);
  }

  /** Off: a leader sends heartbeats only when a read or `trigger().heartbeat()` asks for one. */
  heartbeat(isOn: boolean): void {
    this.#set('heartbeat', isOn);
  }

  /** Off: the node does not campaign by itself. It still votes. */
  elect(isOn: boolean): void {
    this.#set('elect', isOn);
  }

  #set(name: 'tick' | 'heartbeat' | 'elect', isOn: boolean): void {
    this.#runtime.assertRunning();
    this.#switches[name] = isOn;
    this.#runtime.post({ type: 'switch', ...this.#switches });
  }
}
