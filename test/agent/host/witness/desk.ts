/** A warden whose edge shows it a log: honest answers, unless a test bends them. */
import { fromBase64url } from "../../../../protocol/bytes.ts";
import { cosignedBy, openCheckpoint } from "../../../../protocol/checkpoint.ts";
import { decodeNote, encodeNote, noteFromWire } from "../../../../protocol/note.ts";
import { digestOf } from "../../../../protocol/signing.ts";
import type { OutwardFrame } from "../../../../protocol/tunnel.ts";
import { makeReceipt } from "../../../../agent/host/warden/receipts.ts";
import { WITNESS_PAUSE_MILLISECONDS, type WitnessStanding } from "../../../../agent/host/witness/witness.ts";
import { nonceOf } from "../../../fixtures/keys.ts";
import { NOW } from "../../../fixtures/workspace.ts";
import type { ProofFrame, ProofWant, WitnessedLog } from "../../../fixtures/witnessed-log.ts";
import { Rig, until, type RigOptions } from "../warden/rig.ts";

type Bend = (proof: ProofFrame) => ProofFrame | undefined;
export type Said = Extract<OutwardFrame, { kind: "cosignature" | "witness-refused" }>;

export class Desk {
  rig: Rig;
  /** True: whoever waits for the edge is told at once that it did not answer. */
  isImpatient = false;
  /** Steps of the witness that are over: after each it pauses. */
  #steps = 0;
  readonly #options: RigOptions;

  private constructor(rig: Rig, options: RigOptions) {
    this.rig = rig;
    this.#options = options;
  }

  static async open(options: RigOptions = {}): Promise<Desk> {
    const holder: { desk?: Desk } = {};
    const wait = (milliseconds: number): Promise<void> => {
      const { desk } = holder;
      const isPause = milliseconds === WITNESS_PAUSE_MILLISECONDS;
      if (isPause && desk !== undefined) desk.#steps += 1;
      // What is longer is the patience with an edge that does not answer.
      if (milliseconds > WITNESS_PAUSE_MILLISECONDS && desk?.isImpatient !== true) return new Promise(() => undefined);
      return new Promise((resolve) => setImmediate(resolve));
    };
    const all = { ...options, wait };
    const desk = new Desk(await Rig.open(all), all);
    holder.desk = desk;
    return desk;
  }

  /** Another process over the same files. */
  async reopen(): Promise<void> {
    this.rig = await this.rig.reopen(this.#options);
  }

  /** A new tunnel; what is held is cosigned on it again, if it is. */
  async welcome(): Promise<void> {
    const before = this.#steps;
    const holds = this.record.held !== undefined;
    await this.rig.welcome();
    if (holds) await until(() => this.#steps > before);
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

  /** Shows a checkpoint to an admitted host, answers what it asks, and gives its word when it is done; undefined: none. */
  async show(log: WitnessedLog, size = log.size, bend: Bend = (proof) => proof): Promise<Said | undefined> {
    return this.showFrame(await log.frame(size), log, bend);
  }

  async showFrame(
    frame: { readonly kind: "checkpoint"; readonly note: string },
    log: WitnessedLog,
    bend: Bend = (proof) => proof,
  ): Promise<Said | undefined> {
    const before = this.#steps;
    let read = this.rig.sent.length;
    let word: Said | undefined;
    await this.rig.receive(frame);
    for (let isOver = false; !isOver;) {
      isOver = this.#steps > before;
      for (; read < this.rig.sent.length; read += 1) {
        const said = this.rig.sent[read];
        if (said?.kind === "cosignature" || said?.kind === "witness-refused") word ??= said;
        if (said?.kind === "proof-want") await this.#answer(said, log, bend);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    return word;
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
