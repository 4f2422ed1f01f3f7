/**
 * The witness: what this host saw of the activity log it vouches for, and for nothing else. A checkpoint on the tunnel is
 * only a hint. It counts when the log key signed it, when it begins with what is held, and when this host's own receipts
 * are in it; then it is stored, and only then cosigned. One exchange at a time, paced, in the background: an edge that
 * stalls or floods delays nobody but itself. Executes nothing and reads no network.
 */
import { rootDigest, witnessName, type Checkpoint, type OpenedCheckpoint } from "../../../protocol/checkpoint.ts";
import { MAX_PROVEN_RECEIPTS, WITNESS_SILENT_SECONDS } from "../../../protocol/limits.ts";
import { cosign, decodeNote, encodeNote, noteToWire } from "../../../protocol/note.ts";
import type { TrustState } from "../../../protocol/trust/state.ts";
import type { InwardFrame, OutwardFrame } from "../../../protocol/tunnel.ts";
import { systemCode } from "../../shared/edge-error.ts";
import type { HostLog } from "../log.ts";
import { admissionOf } from "../warden/admission.ts";
import { wallSeconds, type HostClock } from "../warden/clock.ts";
import type { Journal, OwnReceipt } from "../warden/journal.ts";
import type { HostKeys } from "../warden/keys.ts";
import { compare, countProven, isConsistent } from "./judge.ts";
import { bareNote, openWire, ownLine } from "./notes.ts";
import { Objections } from "./objections.ts";
import { Patience } from "./patience.ts";
import { Questions, type Proof } from "./questions.ts";
import { heldCheckpoint, heldSize, type WitnessFile, type WitnessRecord } from "./witness-file.ts";

/** Between two checkpoints: an honest edge signs every ten seconds at most, and each one kept is a synced write. */
export const WITNESS_PAUSE_MILLISECONDS = 1_000;
/** What is held is cosigned again before anybody would call this host silent, however quiet the log is. */
export const RENEW_SECONDS = WITNESS_SILENT_SECONDS / 3;

export interface WitnessDeps {
  readonly workspace: string;
  readonly keys: HostKeys;
  readonly trust: { readonly state: TrustState | undefined };
  readonly journal: Pick<Journal, "position" | "receiptsAfter">;
  readonly witnessFile: WitnessFile;
  readonly clock: HostClock;
  readonly wait: (milliseconds: number) => Promise<void>;
  readonly log: HostLog;
}

export interface WitnessStanding {
  /** What is held; absent until the first checkpoint. */
  readonly size?: number;
  readonly root?: string;
  /** The newest that was cosigned, and when, by this host's clock. */
  readonly cosigned?: { readonly size: number; readonly at: number };
  readonly provenTo: number;
  /** The receipt that is missing from the log, and keeps this host from cosigning. */
  readonly stalled?: number;
  readonly conflicts: number;
}

type Send = (frame: OutwardFrame) => void;

export class Witness {
  readonly #deps: WitnessDeps;
  readonly #onFault: (error: unknown) => void;
  readonly #patience: Patience;
  readonly #questions: Questions;
  readonly #objections: Objections;
  /** Of the welcomed tunnel; undefined while there is none. */
  #send: Send | undefined;
  /** The newest that was shown and not looked at yet, as the wire carries it. An older one is nobody's loss. */
  #shown: string | undefined;
  #isCosigningDue = false;
  #isRunning = false;
  #isStopped = false;

  constructor(deps: WitnessDeps, onFault: (error: unknown) => void) {
    this.#deps = deps;
    this.#onFault = onFault;
    this.#patience = new Patience(deps.clock);
    this.#questions = new Questions(deps.wait);
    this.#objections = new Objections(deps);
    this.#settleNumbers();
  }

  /** A tunnel was welcomed: says what is held, and offers what was not proven. */
  connected(send: Send): void {
    this.disconnected();
    this.#send = send;
    this.#objections.newTunnel();
    const { journal, witnessFile } = this.#deps;
    const { record } = witnessFile;
    for (const { number } of journal.receiptsAfter(record.provenTo)) this.#patience.offered(number);
    if (!this.#isAdmitted()) return;
    const { reset, held, cosigned } = record;
    if (reset !== undefined)
      send({ kind: "witness-reset", ...(reset.note === undefined ? {} : { note: noteToWire(reset.note) }) });
    if (held === undefined) return;
    const isCosigned = cosigned?.size === heldSize(record);
    send({ kind: "witnessed", note: noteToWire(isCosigned ? cosigned.note : held.note) });
    // Killed between storing and cosigning, or the cosignature was lost with its tunnel.
    this.#dueCosigning();
  }

  /** The tunnel of an earlier process goes on: all that was to be said on it was said. */
  resumed(send: Send): void {
    this.#send = send;
    const { journal, witnessFile } = this.#deps;
    for (const { number } of journal.receiptsAfter(witnessFile.record.provenTo)) this.#patience.offered(number);
  }

  /** Nothing is under way, and no receipt waits for its proof: how long it has waited is known to this process alone. */
  get isResting(): boolean {
    const { journal, witnessFile } = this.#deps;
    const { provenTo, withheld } = witnessFile.record;
    if (this.#isRunning) return false;
    return withheld !== undefined || !this.#isAdmitted() || journal.receiptsAfter(provenTo).length === 0;
  }

  disconnected(): void {
    this.#send = undefined;
    this.#shown = undefined;
    this.#questions.drop();
  }

  /** Never waits: what is shown meanwhile takes the place of what was not looked at yet. */
  checkpoint({ note }: Extract<InwardFrame, { kind: "checkpoint" }>): void {
    if (!this.#isAdmitted()) return;
    this.#shown = note;
    this.#run();
  }

  /** Only the answer to what was asked; anything else is late, or nobody's. */
  proof(frame: Proof): void {
    this.#questions.answer(frame);
  }

  /** A receipt was sent to the edge. */
  offered(number: number): void {
    if (number > this.#deps.witnessFile.record.provenTo) this.#patience.offered(number);
  }

  /** Called now and then: keeps the cosignature young, and says what stalls also where no checkpoint comes. */
  tick(): void {
    const { witnessFile, clock } = this.#deps;
    const { record } = witnessFile;
    const missing = this.#stalled();
    if (missing !== undefined) return this.#guarded(() => this.#objections.missing(missing));
    const age = wallSeconds(clock) - (record.cosigned?.at ?? 0);
    if (record.held !== undefined && age >= RENEW_SECONDS) this.#dueCosigning();
  }

  standing(): WitnessStanding {
    const { record } = this.#deps.witnessFile;
    const held = heldCheckpoint(record);
    const { cosigned, provenTo, conflicts } = record;
    const stalled = this.#stalled();
    return {
      ...(held === undefined ? {} : { size: held.size, root: rootDigest(held) }),
      ...(cosigned === undefined ? {} : { cosigned: { size: cosigned.size, at: cosigned.at } }),
      provenTo,
      ...(stalled === undefined ? {} : { stalled }),
      conflicts: conflicts.length,
    };
  }

  /** The owner of the machine lets it forget: what is under way is dropped, and the edge is told. Returns what it held. */
  forget(): WitnessRecord | undefined {
    const { witnessFile, clock, log } = this.#deps;
    const before = witnessFile.forget(wallSeconds(clock));
    this.#settleNumbers();
    log({ event: "witness_reset" });
    const send = this.#send;
    if (send !== undefined) this.connected(send);
    return before;
  }

  stop(): void {
    this.#isStopped = true;
    this.disconnected();
  }

  // ---- the one lane ----

  #dueCosigning(): void {
    this.#isCosigningDue = true;
    this.#run();
  }

  #run(): void {
    if (this.#isRunning || this.#isStopped) return;
    this.#isRunning = true;
    this.#work().catch(this.#onFault);
  }

  async #work(): Promise<void> {
    try {
      while (!this.#isStopped && (this.#shown !== undefined || this.#isCosigningDue)) {
        await this.#step();
        await this.#deps.wait(WITNESS_PAUSE_MILLISECONDS);
      }
    } finally {
      this.#isRunning = false;
    }
  }

  async #step(): Promise<void> {
    const shown = this.#shown;
    this.#shown = undefined;
    this.#isCosigningDue = false;
    try {
      await (shown === undefined ? this.#cosign() : this.#consider(shown));
    } catch (error) {
      this.#forgive(error);
    }
  }

  #guarded(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.#forgive(error);
    }
  }

  /** The disk's faults only: what is not on disk is not cosigned, and the next checkpoint tries again. */
  #forgive(error: unknown): void {
    if (systemCode(error) === undefined) throw error;
    this.#deps.log({ event: "witness_write_failed" });
  }

  async #consider(wire: string): Promise<void> {
    const { trust, workspace, witnessFile } = this.#deps;
    const ledgerKey = trust.state?.ledgerKey;
    if (ledgerKey === undefined || !this.#isAdmitted()) return;
    const opened = await openWire(wire, { workspace, ledgerKey });
    if (opened === undefined) return this.#objections.conflict("signature", wire, this.#say);
    const note = await bareNote(opened, { workspace, ledgerKey });
    const held = heldCheckpoint(witnessFile.record);
    const order = compare(held, opened);
    if (order === "smaller" || order === "different")
      return this.#objections.conflict(order, noteToWire(note), this.#say);
    if (opened.size === 0) return; // nothing to vouch for yet
    const result = await this.#prove({ held, shown: opened, note });
    if (result === "inconsistent") return this.#objections.conflict("inconsistent", noteToWire(note), this.#say);
    const missing = this.#stalled();
    if (missing !== undefined) return this.#objections.missing(missing, noteToWire(note), this.#say);
    if (result === "stored") await this.#cosign();
  }

  /**
   * Asks until this host's receipts are proven, or one is not, and stores what holds. `unproven`: nobody answered, or
   * somebody else changed the file; then nothing may be cosigned by it.
   */
  async #prove({ held, shown, note }: Shown): Promise<"stored" | "unproven" | "inconsistent"> {
    let base = held;
    for (;;) {
      const round = await this.#round(base, shown);
      if (typeof round === "string") return round;
      if (!this.#store({ sizeRead: base?.size ?? 0, shown, note, provenTo: round.provenTo })) return "unproven";
      if (!round.isMore) return "stored";
      base = shown; // the rest of many receipts, in what is held now
    }
  }

  async #round(base: Checkpoint | undefined, shown: Checkpoint): Promise<Round | "unproven" | "inconsistent"> {
    const { keys, journal, witnessFile, log } = this.#deps;
    const { provenTo } = witnessFile.record;
    const receipts = journal.receiptsAfter(provenTo).slice(0, MAX_PROVEN_RECEIPTS);
    // Of one size they are one: the roots were compared.
    const isGrowing = base !== undefined && base.size !== shown.size;
    if (!isGrowing && receipts.length === 0) return { provenTo, isMore: false };
    const proof = await this.#questions.ask({ from: base?.size ?? 0, to: shown.size, receipts }, this.#say);
    if (proof === undefined) {
      log({ event: "witness_unanswered", size: shown.size });
      return "unproven";
    }
    if (isGrowing && !isConsistent(base, shown, proof)) return "inconsistent";
    const proven = countProven({ host: keys.host, receipts, shown, proof });
    return { provenTo: receipts[proven - 1]?.number ?? provenTo, isMore: proven === MAX_PROVEN_RECEIPTS };
  }

  #store({ sizeRead, shown, note, provenTo }: Stored): boolean {
    const { witnessFile, clock } = this.#deps;
    const { withheld, reset: _, held, ...before } = witnessFile.record;
    if (this.#isStopped) return false; // the file may be another process's by now
    const isSame = sizeRead === shown.size && held !== undefined;
    if (isSame && before.provenTo === provenTo) return true;
    // A reset was said when the tunnel opened, before this checkpoint came: it is said no more.
    const stored = witnessFile.replace(sizeRead, {
      ...before,
      ...(withheld === undefined || withheld <= provenTo ? {} : { withheld }),
      held: isSame ? held : { note, at: wallSeconds(clock) },
      provenTo,
    });
    if (stored) this.#patience.proven(provenTo);
    else this.#deps.log({ event: "witness_file_changed" });
    return stored;
  }

  /** What is held, which is on disk: given again as it was while it is young, signed anew when it is not. */
  async #cosign(): Promise<void> {
    const { workspace, keys, witnessFile, clock } = this.#deps;
    const { held, cosigned } = witnessFile.record;
    if (held === undefined || !this.#isAdmitted() || this.#stalled() !== undefined) return;
    const at = wallSeconds(clock);
    const size = heldSize(witnessFile.record);
    const isYoung = cosigned?.size === size && at - cosigned.at < RENEW_SECONDS;
    if (isYoung) return this.#say({ kind: "cosignature", note: ownLine(cosigned.note) });
    const { text, signatures } = decodeNote(held.note);
    const own = await cosign({ text, name: witnessName(workspace, keys.host), at }, keys.cosignKey);
    const note = encodeNote({ text, signatures: [...signatures, own] });
    if (this.#isStopped) return;
    this.#say({ kind: "cosignature", note: ownLine(note) });
    // Lost, it is only made again: the checkpoint itself was on disk before.
    const { record } = witnessFile;
    const conflicts = record.conflicts.filter(({ reason }) => reason !== "signature");
    witnessFile.replace(size, { ...record, conflicts, cosigned: { size, note, at } });
    this.#objections.healed();
  }

  // ---- inside ----

  /** On the tunnel that is there now; to nobody when there is none. */
  readonly #say = (frame: OutwardFrame): void => this.#send?.(frame);

  #isAdmitted(): boolean {
    return admissionOf(this.#deps.trust.state, this.#deps.keys) === "admitted";
  }

  /**
   * The oldest receipt that was not proven, where it has waited too long; later ones were offered later. One that was found
   * missing before stays so over a restart: an edge must not gain ten minutes by each.
   */
  #stalled(): number | undefined {
    const { journal, witnessFile } = this.#deps;
    const { provenTo, withheld } = witnessFile.record;
    if (withheld !== undefined) return withheld;
    const [oldest]: readonly (OwnReceipt | undefined)[] = journal.receiptsAfter(provenTo);
    return oldest !== undefined && this.#patience.isOver(oldest.number) ? oldest.number : undefined;
  }

  /**
   * After a reset by the owner nothing from before is insisted on. A journal that ends before what was proven was restored
   * from a copy: its next receipts are new ones under old numbers.
   */
  #settleNumbers(): void {
    const { journal, witnessFile } = this.#deps;
    const { forgives, ...record } = witnessFile.record;
    const { number } = journal.position;
    if (forgives === undefined && record.provenTo <= number) return;
    witnessFile.replace(heldSize(record), { ...record, provenTo: number });
  }
}

interface Shown {
  readonly held: Checkpoint | undefined;
  readonly shown: OpenedCheckpoint;
  readonly note: string;
}
interface Round {
  readonly provenTo: number;
  /** As many as one exchange proves were proven: there may be more. */
  readonly isMore: boolean;
}
interface Stored {
  readonly sizeRead: number;
  readonly shown: Checkpoint;
  readonly note: string;
  readonly provenTo: number;
}
