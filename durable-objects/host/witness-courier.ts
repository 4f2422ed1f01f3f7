/**
 * Between the log and a host that witnesses it: shows the newest checkpoint, answers what the host asks for to believe it,
 * and keeps its cosignature. The host believes nothing of it, and this object believes nothing of the host but its
 * signature over exactly what was signed here. Bounded: a host that floods is left without an answer.
 */
import { toBase64url, utf8 } from "../../protocol/bytes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import { parseCheckpoint, witnessName } from "../../protocol/checkpoint.ts";
import { MAX_PROVEN_RECEIPTS } from "../../protocol/limits.ts";
import type { Hash } from "../../protocol/merkle.ts";
import { cosignedAt, decodeNote, encodeNote, noteFromWire, noteToWire } from "../../protocol/note.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import { inwardFrames, type OutwardFrame } from "../../protocol/tunnel.ts";
import { edgeSeconds } from "../clock.ts";
import { CheckpointTable } from "../db/checkpoint-table.ts";
import { LedgerTree, LogTooShort } from "../db/ledger-tree.ts";
import type { ReceiptEntriesInput, ReceiptEntry } from "../db/receipt-entries.ts";
import { logStep } from "../log.ts";
import type { OpenTunnel } from "./delivery.ts";
import { keepAttachment, readAgent, trySend } from "./sockets.ts";
import type { HostStore } from "./store.ts";

/** An honest host asks once for a checkpoint, and for a backlog of receipts a few times more. */
export const WITNESS_FRAMES_PER_MINUTE = 60;
const MINUTE_SECONDS = 60;

type ProofWant = Extract<OutwardFrame, { kind: "proof-want" }>;
type Cosignature = Extract<OutwardFrame, { kind: "cosignature" }>;

export interface WitnessCourierDeps {
  readonly db: D1Database;
  readonly store: HostStore;
  /** Where receipts are in the log. */
  readonly entries: (input: ReceiptEntriesInput) => Promise<ReadonlyMap<string, ReceiptEntry>>;
  readonly trust: (workspace: string) => Promise<TrustState | undefined>;
  /** This host vouches for the log again. */
  readonly healed: (host: string) => Promise<void>;
}

export class WitnessCourier {
  readonly #deps: WitnessCourierDeps;
  /** In memory only: a new object starts a new minute. */
  #minute = { began: 0, frames: 0 };

  constructor(deps: WitnessCourierDeps) {
    this.#deps = deps;
  }

  /** True while this minute has room for another frame about the log. */
  admits({ attachment }: OpenTunnel): boolean {
    const now = edgeSeconds();
    if (now - this.#minute.began >= MINUTE_SECONDS) this.#minute = { began: now, frames: 0 };
    this.#minute.frames += 1;
    if (this.#minute.frames === WITNESS_FRAMES_PER_MINUTE + 1) logStep("witness-flood", { host: attachment.host });
    return this.#minute.frames <= WITNESS_FRAMES_PER_MINUTE;
  }

  /** For a host that has just come. */
  async showNewest(open: OpenTunnel): Promise<void> {
    const newest = await new CheckpointTable(this.#deps.db, open.attachment.workspace).newest();
    if (newest !== undefined) this.show(open, newest.note);
  }

  /** Never an older one than was shown on this tunnel: calls of the writer may overtake each other. */
  show({ socket, attachment }: OpenTunnel, note: string): void {
    const { size } = parseCheckpoint(decodeNote(note).text);
    const now = readAgent(socket) ?? attachment;
    if (size < (now.checkpointSent ?? 0)) return;
    if (trySend(socket, inwardFrames.encode({ kind: "checkpoint", note: noteToWire(note) })))
      keepAttachment(socket, { ...now, checkpointSent: size });
  }

  /** Only about checkpoints that were signed: what else somebody may want to know of the tree is no host's business. */
  async prove({ socket, attachment }: OpenTunnel, { from, to, receipts }: ProofWant): Promise<void> {
    if (from > to) throw new MalformedError("proof-want: backwards");
    const { db } = this.#deps;
    const { workspace, host } = attachment;
    if ((await new CheckpointTable(db, workspace).at(to)) === undefined)
      return logStep("proof-of-nothing", { host, size: to });
    const tree = new LedgerTree(db, workspace);
    try {
      const consistency = from === 0 || from === to ? [] : await tree.consistency(from, to);
      const proven = await this.#receipts(tree, { to, receipts });
      trySend(
        socket,
        inwardFrames.encode({ kind: "proof", from, to, consistency: consistency.map(toText), receipts: proven }),
      );
    } catch (error) {
      // The log was cut: whoever signs it finds out too. There is nothing to be proven then.
      if (!(error instanceof LogTooShort)) throw error;
      logStep("proof-impossible", { host, size: to });
    }
  }

  /** This host's receipts by number; those that are no entries of that log yet are left out. */
  async #receipts(
    tree: LedgerTree,
    { to, receipts }: Pick<ProofWant, "to" | "receipts">,
  ): Promise<{ number: number; entry: string; inclusion: string[] }[]> {
    const numbered = this.#deps.store.receiptsNumbered(receipts);
    const entries = await this.#deps.entries({
      workspace: tree.workspace,
      digests: numbered.map(({ digest }) => digest),
      upTo: to,
    });
    // Two under one number are a fork of the host's chain: it knows which one it means.
    const found = numbered.flatMap(({ number, digest }) => {
      const entry = entries.get(digest);
      return entry === undefined ? [] : [{ number, ...entry }];
    });
    return Promise.all(
      found.slice(0, MAX_PROVEN_RECEIPTS).map(async ({ number, index, body }) => ({
        number,
        entry: toBase64url(utf8(body)),
        inclusion: (await tree.inclusion(index, to)).map(toText),
      })),
    );
  }

  /** Kept only when the admitted key signed exactly the text that was signed here. */
  async cosigned({ attachment }: OpenTunnel, { note: wire }: Cosignature): Promise<void> {
    const { db, trust, healed } = this.#deps;
    const { workspace, host } = attachment;
    const own = decodeNote(noteFromWire(wire));
    const { size } = parseCheckpoint(own.text);
    const [line] = own.signatures;
    const table = new CheckpointTable(db, workspace);
    const [signed, state] = await Promise.all([table.at(size), trust(workspace)]);
    const admitted = state?.hosts.get(host);
    if (signed === undefined || admitted === undefined || line === undefined)
      return logStep("cosignature-unknown", { host, size });
    const ours = decodeNote(signed.note);
    if (ours.text !== own.text) return logStep("cosignature-of-another", { host, size });
    const whole = { text: ours.text, signatures: [...ours.signatures, line] };
    const key = { name: witnessName(workspace, host), publicKey: admitted.cosignKey };
    if (own.signatures.length !== 1 || (await cosignedAt(whole, key)) === undefined)
      throw new MalformedError("cosignature does not verify");
    const at = edgeSeconds();
    await table.addCosignature({ host, size, line: toBase64url(line.bytes), note: encodeNote(whole), at });
    await healed(host);
  }
}

function toText(hash: Hash): string {
  return toBase64url(hash);
}
