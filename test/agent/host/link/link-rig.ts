/** A link between a real warden and a scripted edge, and what it said on the way. */
import { startLink, type Link, type LinkDeps, type LinkState } from "../../../../agent/host/link/link.ts";
import type { HostLogLine } from "../../../../agent/host/log.ts";
import type { World } from "../../../fixtures/workspace.ts";
import { Rig } from "../warden/rig.ts";
import { fixedPair, greet, startScriptedEdge, type Connection, type ScriptedEdge } from "./scripted-edge.ts";

export class LinkRig {
  readonly world: World;
  readonly edge: ScriptedEdge;
  readonly rig: Rig;
  readonly states: LinkState[] = [];
  readonly logged: HostLogLine[] = [];
  readonly faults: unknown[] = [];
  #link: Link | undefined;

  private constructor(world: World, edge: ScriptedEdge, rig: Rig) {
    this.world = world;
    this.edge = edge;
    this.rig = rig;
  }

  static async open(world: World): Promise<LinkRig> {
    const edge = await startScriptedEdge();
    return new LinkRig(world, edge, await Rig.open({ world, certFingerprint: edge.fingerprint }));
  }

  start(change: Partial<LinkDeps> = {}): void {
    this.#link = startLink({
      edge: this.edge.url,
      pairs: fixedPair(this.edge.tls),
      warden: this.rig.warden,
      telemetry: () => undefined,
      onState: (state) => this.states.push(state),
      onFault: (error) => this.faults.push(error),
      environment: {},
      elapsed: () => performance.now(),
      wall: () => Date.now(),
      random: () => 0,
      log: (line) => this.logged.push(line),
      ...change,
    });
  }

  /** The next connection, honestly welcomed. */
  async welcomed(): Promise<Connection> {
    const connection = await this.edge.next();
    await greet(connection, { world: this.world, fingerprint: this.edge.fingerprint });
    await connection.frame("trust-ack");
    return connection;
  }

  async close(): Promise<void> {
    await this.#link?.stop();
    await this.rig.close();
    await this.edge.stop();
  }
}
