/** A scripted host that answers what an agent answers: checkpoints with a question and a cosignature, deliveries with receipts. */
import { openCheckpoint, witnessName } from "../../../protocol/checkpoint.ts";
import { fromBase64url } from "../../../protocol/bytes.ts";
import { envelopeCodec } from "../../../protocol/messages.ts";
import { cosign, encodeNote, noteFromWire, noteToWire } from "../../../protocol/note.ts";
import { digestOf } from "../../../protocol/signing.ts";
import type { TrustState } from "../../../protocol/trust/state.ts";
import { PING, type InwardFrame } from "../../../protocol/tunnel.ts";
import { HostPeer, telemetryOf, type Tunnel } from "../../fixtures/edge/host-peer.ts";
import { now } from "../../fixtures/edge/page.ts";
import type { Town } from "../../fixtures/edge/town.ts";
import { noteSignerOf } from "../../fixtures/witnessed-log.ts";

export class WitnessingHost {
  readonly peer: HostPeer;
  readonly #town: Town;
  readonly #name: string;
  #tunnel: Tunnel | undefined;
  #held = 0;
  /** As of the last look, so that answering asks the edge for nothing that no agent asks. */
  #trust: TrustState | undefined;

  private constructor(town: Town, peer: HostPeer, name: string) {
    this.#town = town;
    this.peer = peer;
    this.#name = name;
  }

  static async admitted(town: Town, name: string): Promise<WitnessingHost> {
    const peer = await HostPeer.at(town.page.edge, name, town.workspace);
    await peer.join();
    await town.admit(peer);
    return new WitnessingHost(town, peer, name);
  }

  async look(): Promise<void> {
    this.#trust = await this.#town.trust();
  }

  async open(): Promise<void> {
    const { head } = this.#known();
    const tunnel = await this.peer.open(head);
    this.#tunnel = tunnel;
    tunnel.say({ kind: "telemetry", telemetry: telemetryOf() });
    tunnel.socket.addEventListener("message", () => {
      const frame = tunnel.heard.at(-1);
      if (frame !== undefined) void this.#answer(frame);
    });
  }

  close(): void {
    this.#tunnel?.socket.close(1000);
  }

  ping(): void {
    this.#tunnel?.socket.send(PING);
  }

  report(): void {
    this.#tunnel?.say({ kind: "telemetry", telemetry: telemetryOf() });
  }

  /** A batch of samples; the next one goes on where it ends. */
  sample(batch: number): void {
    const begins = now() - (2 - batch) * 120;
    const samples = [0, 60].map((later) => ({ at: begins + later, state: "running", sessions: 1 }));
    this.#tunnel?.say({ kind: "history", samples });
  }

  answerPrepare(): Promise<string> {
    return this.#open().answerPrepare();
  }

  #known(): TrustState {
    if (this.#trust === undefined) throw new TypeError("has not looked");
    return this.#trust;
  }

  #open(): Tunnel {
    if (this.#tunnel === undefined) throw new TypeError("no tunnel");
    return this.#tunnel;
  }

  async #answer(frame: InwardFrame): Promise<void> {
    if (frame.kind === "deliver") {
      const { intent } = envelopeCodec.decode(fromBase64url(frame.envelope));
      this.#open().say(await this.peer.receipt(digestOf("intent", fromBase64url(intent))));
    }
    if (frame.kind === "checkpoint") await this.#witness(frame.note);
  }

  async #witness(wire: string): Promise<void> {
    const { ledgerKey } = this.#known();
    const { workspace } = this.#town;
    const checkpoint = await openCheckpoint(noteFromWire(wire), { workspace, ledgerKey });
    if (typeof checkpoint === "string") throw new Error(checkpoint);
    const { text } = checkpoint.note;
    if (checkpoint.size <= this.#held) return;
    this.#open().say({ kind: "proof-want", from: this.#held, to: checkpoint.size, receipts: [] });
    this.#held = checkpoint.size;
    const name = witnessName(workspace, this.peer.host);
    const own = await cosign({ text, name, at: now() }, await noteSignerOf(`${this.#name} cosign`));
    this.#open().say({ kind: "cosignature", note: noteToWire(encodeNote({ text, signatures: [own] })) });
  }
}
