/**
 * Attacks on the witness: an edge that holds the log's own key shows a host a past that it must not vouch for. Each begins
 * with an agent that holds five entries of one past, or that has found a receipt of its own missing. What counts as a
 * success is the host's cosignature under exactly what the attacker showed.
 */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { fromBase64url } from "../../protocol/bytes.ts";
import { MAX_FRAME_NOTE_BYTES, MAX_PROOF_HASHES } from "../../protocol/limits.ts";
import { ZERO_DIGEST } from "../../protocol/messages.ts";
import { decodeNote, noteFromWire, noteToWire } from "../../protocol/note.ts";
import { digestOf } from "../../protocol/signing.ts";
import { nonceOf } from "../fixtures/keys.ts";
import { movedEntry, WitnessedLog, type ProofFrame } from "../fixtures/witnessed-log.ts";
import type { Attack } from "./attack.ts";
import { cut, type Layer } from "./layer-table.ts";
import type { Outcome, Scene } from "./scene.ts";

const JUDGE = "agent/host/witness/judge.ts";
const WITNESS = "agent/host/witness/witness.ts";

/** The past that the host holds. */
const HELD = 5;

interface Shown {
  readonly log: WitnessedLog;
  /** Which key signs the checkpoint; the log's own unless given. */
  readonly key?: string;
  readonly bend?: (proof: ProofFrame, log: WitnessedLog) => ProofFrame;
}

function past(scene: Scene): WitnessedLog {
  return new WitnessedLog(scene.town.world).grow(HELD);
}

/** Puts a record under the agent and lets it begin with that. Since when what it says counts. */
async function beginWith(scene: Scene, record: object): Promise<number> {
  const file = path.join(scene.directory.path, "host", "warden", "witness.json");
  const write = () =>
    writeFileSync(file, JSON.stringify({ v: 1, provenTo: 0, conflicts: [], ...record }), { mode: 0o600 });
  await scene.restartAgent("SIGKILL", write); // a running agent may still write what it just cosigned
  const { mark } = scene.happenings;
  await scene.join();
  return mark;
}

/** Shows a checkpoint, answers what is asked, and tells what became of it. */
async function show(scene: Scene, { log, key, bend = (proof) => proof }: Shown): Promise<Outcome> {
  const frame = await log.frame(log.size, key);
  const shown = decodeNote(noteFromWire(frame.note)).text;
  let mark = scene.happenings.mark;
  scene.tunnel.send(frame);
  for (;;) {
    const said = await scene.happenings.first(mark, (item) => {
      if (item.kind === "closed" || item.kind === "ended") return "closed" as const;
      if (item.kind !== "frame") return undefined;
      return ["cosignature", "witness-refused", "proof-want"].includes(item.frame.kind) ? item.frame : undefined;
    });
    if (said === undefined) return "silence";
    if (said === "closed") return scene.closing(mark);
    mark = scene.happenings.mark;
    if (said.kind === "witness-refused") return `witness.${said.reason}`;
    if (said.kind === "cosignature")
      return decodeNote(noteFromWire(said.note)).text === shown ? "executed" : "another checkpoint";
    if (said.kind === "proof-want") scene.tunnel.send(bend(await log.proof(said), log));
  }
}

/** An agent that holds the honest past, and has said so. */
function afterHolding(shown: (scene: Scene) => Shown): Attack["run"] {
  return async (scene) => {
    const mark = await beginWith(scene, { held: { note: await past(scene).note(), at: 1 }, provenTo: 1_000_000 });
    const cosigned = await scene.happenings.first(mark, (item) =>
      item.kind === "frame" && item.frame.kind === "cosignature" ? true : undefined,
    );
    if (cosigned === undefined) return "nothing held";
    return show(scene, shown(scene));
  };
}

/** An agent that found its first receipt missing: it insists on it, over restarts. */
function afterMissing(shown: (scene: Scene, digest: string) => Shown): Attack["run"] {
  return async (scene) => {
    const digest = await firstReceipt(scene);
    await beginWith(scene, { withheld: 1 });
    return show(scene, shown(scene, digest));
  };
}

const receipts = new WeakMap<Scene, string>();

/** Digest of the host's first receipt; an honest command makes it. */
async function firstReceipt(scene: Scene): Promise<string> {
  const known = receipts.get(scene);
  if (known !== undefined) return known;
  const mark = scene.happenings.mark;
  const { outcome } = await scene.honest(scene.town.actors.olga);
  const body = await scene.happenings.first(mark, (item) =>
    item.kind === "frame" && item.frame.kind === "receipt" && item.frame.number === 1
      ? item.frame.signed.body
      : undefined,
  );
  if (outcome !== "executed" || body === undefined) throw new Error(`attack: no first receipt: ${outcome}`);
  const digest = digestOf("receipt", fromBase64url(body));
  receipts.set(scene, digest);
  return digest;
}

/** Every answer names the receipt, with this entry's place and proof. */
const claiming =
  (bend: (entry: ProofFrame["receipts"][number]) => ProofFrame["receipts"][number]) => (proof: ProofFrame) => ({
    ...proof,
    receipts: proof.receipts.map(bend),
  });

const forged: Layer = {
  layer: "signature of the log key",
  cuts: [
    cut(
      "protocol/checkpoint.ts",
      'return isOurs ? { ...checkpoint, note } : "signature";',
      "return { ...checkpoint, note };",
    ),
    cut(
      "agent/host/witness/notes.ts",
      `if (await isSignedBy(alone, { name: logOrigin(workspace), publicKey: ledgerKey })) return encodeNote(alone);`,
      "return encodeNote(alone);",
    ),
  ],
  attacks: ["dispatch", "mallory"].map((key) => ({
    name: `a longer log signed by the key of ${key}`,
    rule: "witness.signature",
    run: afterHolding((scene) => ({ log: past(scene).grow(3), key })),
  })),
};

const shorter: Layer = {
  layer: "size and root of what is held",
  cuts: [
    cut(
      WITNESS,
      `if (order === "smaller" || order === "different")
         return this.#objections.conflict(order, noteToWire(note), this.#say);`,
    ),
    cut(WITNESS, 'if (isGrowing && !isConsistent(base, shown, proof)) return "inconsistent";'),
    cut(WITNESS, "const isSame = sizeRead === shown.size && held !== undefined;", "const isSame = false;"),
    cut(
      WITNESS,
      "const isYoung = cosigned?.size === size && at - cosigned.at < RENEW_SECONDS;",
      "const isYoung = false;",
    ),
  ],
  attacks: [
    {
      name: "a log that was cut",
      rule: "witness.smaller",
      run: afterHolding((scene) => ({
        log: new WitnessedLog(scene.town.world).grow(HELD - 1),
        bend: (proof) => proof,
      })),
    },
    {
      name: "a log of the same length with another entry",
      rule: "witness.different",
      run: afterHolding((scene) => ({ log: new WitnessedLog(scene.town.world).grow(HELD - 1).grow(1, "changed") })),
    },
  ],
};

const rewritten: Layer = {
  layer: "consistency with what is held",
  cuts: [cut(WITNESS, 'if (isGrowing && !isConsistent(base, shown, proof)) return "inconsistent";')],
  attacks: [
    {
      name: "a longer log with another entry in it",
      rule: "witness.inconsistent",
      run: afterHolding((scene) => ({ log: new WitnessedLog(scene.town.world).grow(2, "changed").grow(9) })),
    },
    {
      name: "a longer log with no proof",
      rule: "witness.inconsistent",
      run: afterHolding((scene) => ({
        log: past(scene).grow(4),
        bend: (proof) => ({ ...proof, consistency: [] }),
      })),
    },
  ],
};

const incomplete: Layer = {
  layer: "inclusion of own receipts",
  cuts: [cut(JUDGE, "return missing < 0 ? receipts.length : missing;", "return receipts.length;")],
  attacks: [
    {
      name: "a log that leaves the receipt out",
      rule: "witness.receipt_missing",
      run: afterMissing((scene) => ({ log: past(scene) })),
    },
  ],
};

const anothers: Layer = {
  layer: "whose receipt an entry tells of",
  cuts: [cut(JUDGE, 'if (actor.kind !== "host" || actor.id !== host || target !== host) return false;')],
  attacks: [
    {
      name: "the digest in another host's entry",
      rule: "witness.receipt_missing",
      run: afterMissing((scene, digest) => ({ log: past(scene).receipt(1, digest, { host: "h-other" }) })),
    },
  ],
};

const another: Layer = {
  layer: "which receipt an entry tells of",
  cuts: [cut(JUDGE, 'if (action !== "command.receipt" || detail.receipt !== digest) return false;')],
  attacks: [
    {
      name: "an entry of another receipt",
      rule: "witness.receipt_missing",
      run: afterMissing((scene) => ({ log: past(scene).receipt(1, nonceOf("another receipt")) })),
    },
  ],
};

const elsewhere: Layer = {
  layer: "place of an entry in the tree",
  cuts: [
    cut(
      JUDGE,
      `return verifyInclusion({
        index: entry.index - 1,
        size: shown.size,
        leaf: entryLeaf(entryDigest(bytes)),
        proof: inclusion.map(toHash),
        root: shown.root,
      });`,
      "return true;",
    ),
  ],
  attacks: [
    {
      name: "the right entry, at another index",
      rule: "witness.receipt_missing",
      run: afterMissing((scene, digest) => ({
        log: past(scene).receipt(1, digest),
        bend: claiming((one) => ({ ...one, entry: movedEntry(one.entry, 2) })),
      })),
    },
    {
      name: "the right entry, which is not in the log",
      rule: "witness.receipt_missing",
      run: afterMissing((scene, digest) => {
        const aside = past(scene).receipt(1, digest);
        const log = past(scene).grow(1, "instead");
        log.receipts.set(1, log.size);
        return { log, bend: claiming((one) => ({ ...one, entry: aside.maker.rows.at(-1)?.body ?? "" })) };
      }),
    },
  ],
};

/** Proven like the layers: each check refuses alone what an agent without exactly it would cosign. */
export const witnessChecks: readonly Layer[] = [forged, shorter, rewritten, incomplete, anothers, another, elsewhere];

function giant(name: string, frame: (log: WitnessedLog) => Promise<object>): Attack {
  return {
    class: "witness",
    name,
    rule: "tunnel.malformed_frame",
    async run(scene) {
      await beginWith(scene, {});
      const mark = scene.happenings.mark;
      scene.tunnel.send({ ...(await frame(past(scene))) });
      return scene.closing(mark);
    },
  };
}

/** What no agent looks at. */
export const witnessAttacks: readonly Attack[] = [
  giant("a note larger than any checkpoint", (log) =>
    log.note().then((note) => ({ kind: "checkpoint", note: noteToWire(note + " ".repeat(MAX_FRAME_NOTE_BYTES)) })),
  ),
  giant("a proof longer than any tree is high", async (log) => ({
    ...(await log.proof({ from: 0, to: HELD, receipts: [] })),
    consistency: Array.from({ length: MAX_PROOF_HASHES + 1 }, () => ZERO_DIGEST),
  })),
  giant("a proof with a hash that is none", async (log) => ({
    ...(await log.proof({ from: 0, to: HELD, receipts: [] })),
    consistency: ["AAAA"],
  })),
];
