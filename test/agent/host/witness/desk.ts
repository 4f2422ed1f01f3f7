/** A warden whose edge shows it a log: honest answers, unless a test bends them. */
import { fromBase64url } from "../../../../protocol/bytes.ts";
import { cosignedBy, openCheckpoint } from "../../../../protocol/checkpoint.ts";
import { decodeNote, encodeNote, noteFromWire } from "../../../../protocol/note.ts";
import { digestOf } from "../../../../protocol/signing.ts";
import type { OutwardFrame } from "../../../../protocol/tunnel.ts";
import { makeReceipt } from "../../../../agent/host/warden/receipts.ts";
import type { WitnessStanding } from "../../../../agent/host/witness/witness.ts";
import { nonceOf } from "../../../fixtures/keys.ts";
import { NOW } from "../../../fixtures/workspace.ts";
import type { ProofFrame, ProofWant, WitnessedLog } from "../../../fixtures/witnessed-log.ts";
import { Rig, until, type RigOptions } from "../warden/rig.ts";

/** Longer than the pause between checkpoints: the patience with an edge that does not answer. */
const LONG_MILLISECONDS = 5_000;

type Bend = (proof: ProofFrame) => ProofFrame | undefined;
export type Said = Extract<OutwardFrame, { kind: "cosignature" | "witness-refused" }>;

export class Desk {
  rig: Rig;
  /** True: whoever waits for the edge is told at once that it did not answer. */
  isImpatient = false;
  readonly #options: RigOptions;

  private constructor(rig: Rig, options: RigOptions) {
    this.rig = rig;
    this.#options = options;
  }

  static async open(options: RigOptions = {}): Promise<Desk> {
    const holder: { desk?: Desk } = {};
    const wait = (milliseconds: number): Promise<void> =>
      milliseconds > LONG_MILLISECONDS && holder.desk?.isImpatient !== true
        ? new Promise(() => undefined)
        : new Promise((resolve) => setImmediate(resolve));
    const all = { ...options, wait };
    const desk = new Desk(await Rig.open(all), all);
    holder.desk = desk;
    return desk;
  }

  /** Another process over the same files. */
  async reopen(): Promise<void> {
    this.rig = await this.rig.reopen(this.#options);
  }

  get witness(): WitnessStanding {
    return this.rig.warden.standing().witness;
  }

  get record(): Rig["context"]["witnessFile"]["record"] {
    return this.rig.context.witnessFile.record;
  }

  /** A receipt that is only in the journal, as for a refused command. Returns its digest. */
  async receipt(): Promise<string> {
    const { journal, keys, workspace } = this.rig.context;
    const stored = await makeReceipt(
      {
        intent: nonceOf(`intent ${String(journal.position.number)}`),
        verdict: "refused",
        code: "journal",
        started: NOW,
        ended: NOW,
        observed: {},
      },
      journal.position,
      { workspace, host: keys.host, trustHead: this.rig.world.state.head, signer: keys.hostKey },
    );
    journal.refused(stored);
    return digestOf("receipt", fromBase64url(stored.signed.body));
  }

  /** Shows a checkpoint and answers what is asked until the host has its word, or nothing more comes of it. */
  async show(log: WitnessedLog, size = log.size, bend: Bend = (proof) => proof): Promise<Said | undefined> {
    return this.showFrame(await log.frame(size), log, bend);
  }

  async showFrame(
    frame: { readonly kind: "checkpoint"; readonly note: string },
    log: WitnessedLog,
    bend: Bend = (proof) => proof,
  ): Promise<Said | undefined> {
    let read = this.rig.sent.length;
    await this.rig.receive(frame);
    for (let turn = 0; turn < 200; turn += 1) {
      for (const said of this.rig.sent.slice(read)) {
        read += 1;
        if (said.kind === "cosignature" || said.kind === "witness-refused") return said;
        if (said.kind === "proof-want") await this.#answer(said, log, bend);
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return undefined;
  }

  async #answer(want: ProofWant, log: WitnessedLog, bend: Bend): Promise<void> {
    const proof = bend(await log.proof(want));
    if (proof !== undefined) await this.rig.receive(proof);
  }

  wants(): readonly ProofWant[] {
    return this.rig.sent.filter((frame) => frame.kind === "proof-want");
  }

  said<K extends OutwardFrame["kind"]>(kind: K): readonly Extract<OutwardFrame, { kind: K }>[] {
    return this.rig.sent.filter((frame): frame is Extract<OutwardFrame, { kind: K }> => frame.kind === kind);
  }

  /** When this host's key says that it saw exactly this checkpoint; undefined when it does not. */
  async cosignedAt(said: Said | undefined, log: WitnessedLog, size = log.size): Promise<number | undefined> {
    if (said?.kind !== "cosignature") return undefined;
    const { workspace, host, hostBody, keys } = this.rig.world;
    const own = decodeNote(noteFromWire(said.note));
    const shown = decodeNote(await log.note(size));
    if (own.text !== shown.text || own.signatures.length !== 1) return undefined;
    const whole = encodeNote({ text: own.text, signatures: [...shown.signatures, ...own.signatures] });
    const opened = await openCheckpoint(whole, { workspace, ledgerKey: keys.ledger.publicKey });
    return typeof opened === "string" ? undefined : cosignedBy(opened, { host, cosignKey: hostBody.cosignKey });
  }

  close(): Promise<void> {
    return this.rig.close();
  }
}

export { until };
