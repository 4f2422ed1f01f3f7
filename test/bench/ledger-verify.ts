/**
 * What `clawhold verify` takes for a long log, against SHA-256 of each of its entries once. First the chain and the tree alone, then a log as it comes: a third
 * acceptances with a source address, a third receipts that hosts signed.
 */
import { createHash, hash } from "node:crypto";
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readFileChunks } from "../../agent/cli/verify-source.ts";
import { LineCutter } from "../../agent/verify/lines.ts";
import { FileVerifier, type VerifyResult } from "../../agent/verify/verifier.ts";
import { DigestTree } from "../../agent/verify/tree.ts";
import { utf8Text } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import type { ActivityRow } from "../../protocol/contracts/ledger.ts";
import { CHAIN_START, type ChainPosition } from "../../protocol/ledger.ts";
import { noteToWire } from "../../protocol/note.ts";
import {
  chainOf,
  makeTown,
  noteOf,
  ReceiptMaker,
  trustLines,
  type EntryDraft,
  type LogTown,
} from "../fixtures/log-file.ts";
import { nonceOf } from "../fixtures/keys.ts";
import { NOW } from "../fixtures/workspace.ts";
import { row, type Row } from "./bench.ts";

const ENTRIES = 1_000_000;
const MIXED_ENTRIES = 30_000;
/** In turn, so that whatever else the machine does befalls all alike. */
const ROUNDS = 2;
const TIME_TARGET = 3;
/** Between a tenth of the file and its end; what the collector has not taken back yet is in it. */
const GROWTH_TARGET_MB = 48;
const MB = 1_048_576;

type Make = (index: number) => EntryDraft | Promise<EntryDraft>;

/** Ordinary entries without anything beside them: the chain and the tree are all that there is to check. */
function plain({ world, hosts }: LogTown): Make {
  const session = nonceOf("session");
  const host = hosts[0]?.id ?? "";
  const kinds: readonly EntryDraft[] = [
    { actor: { kind: "host", id: host }, action: "host.connected", target: host, detail: {} },
    { actor: { kind: "person", id: world.people.ada.id }, action: "session.ended", detail: { session } },
    {
      actor: { kind: "person", id: "p-otto" },
      action: "proposal.made",
      target: host,
      detail: { operation: "gateway.restart@1", proposal: session, session },
    },
  ];
  return (index) => ({ ...(kinds[index % kinds.length] as EntryDraft), at: NOW * 1_000 + index });
}

/** A log as it comes. */
function mixed({ world, hosts }: LogTown): Make {
  const [host] = hosts;
  if (host === undefined) throw new RangeError("a host");
  const receipts = new ReceiptMaker(world, host);
  const session = nonceOf("session");
  const connected = plain({ world, hosts } as LogTown);
  return (index) => {
    const at = NOW * 1_000 + index;
    const intent = nonceOf(`intent ${String(Math.floor((index - 1) / 3))}`);
    if (index % 3 === 0) return connected(index);
    if (index % 3 === 2) return receipts.next(intent);
    return {
      actor: { kind: "person", id: "p-ada" },
      action: "command.accepted",
      target: host.id,
      detail: { intent, operation: "gateway.restart@1", session },
      values: { source: "192.0.2.7" },
      at,
    };
  };
}

interface LogFile {
  readonly path: string;
  readonly entries: number;
}

/** Writes the log twice over: the checkpoint stands first, so its root must be known before. */
async function writeLog(town: LogTown, { path, entries }: LogFile, make: Make): Promise<void> {
  const { workspace } = town.world;
  const rows = openSync(`${path}.rows`, "w");
  const tree = new DigestTree();
  let position: ChainPosition = CHAIN_START;
  let block: string[] = [];
  for (let index = 1; index <= entries; index++) {
    const [made] = chainOf(workspace, [await make(index)], position);
    if (made === undefined) throw new RangeError("a row");
    position = { index, hash: made.hash };
    tree.append(made.hash);
    block.push(lineOf({ kind: "entry", row: made }));
    if (block.length === 10_000 || index === entries) {
      writeSync(rows, block.join(""));
      block = [];
    }
  }
  closeSync(rows);
  const note = await noteOf(town, {
    rows: { length: entries } as readonly ActivityRow[],
    root: new Uint8Array(tree.root()),
  });
  const head = [
    { kind: "log", v: 1, workspace, form: "chain" },
    ...trustLines(town),
    { kind: "checkpoint", note: noteToWire(note) },
  ];
  const file = openSync(path, "w");
  writeSync(file, head.map(lineOf).join(""));
  for await (const chunk of readFileChunks(`${path}.rows`)) writeSync(file, chunk);
  writeSync(file, lineOf({ kind: "end", lines: head.length + entries }));
  closeSync(file);
  rmSync(`${path}.rows`);
}

function lineOf(value: unknown): string {
  return `${utf8Text(encodeCanonical(value))}\n`;
}

/** Milliseconds, of one pass over the file. */
interface Taken {
  readonly time: number;
  /** Of the processor, whatever else runs on the machine. */
  readonly processor: number;
}

interface Measured {
  readonly verify: Taken;
  /** The platform's usual way, a digest as bytes. */
  readonly digest: Taken;
  /** Its fastest way: one call, a digest as text. */
  readonly oneShot: Taken;
  readonly growthMb: number;
}

/** Adds up what the work between two looks took. */
class Clock {
  time = 0;
  processor = 0;
  #since = 0;
  #used = process.cpuUsage();

  start(): void {
    this.#used = process.cpuUsage();
    this.#since = performance.now();
  }

  stop(): void {
    this.time += performance.now() - this.#since;
    const { user, system } = process.cpuUsage(this.#used);
    this.processor += (user + system) / 1_000;
  }
}

/** A pass of each, in turn: the verifier has a thread of its own, which must not work while somebody else is measured. */
async function measure(log: LogFile): Promise<Measured> {
  const clocks = { verify: new Clock(), digest: new Clock(), oneShot: new Clock() };
  let growthMb = 0;
  for (let i = 0; i < ROUNDS; i++) {
    growthMb = Math.max(growthMb, await verifyOnce(log, clocks.verify));
    await hashOnce(log, clocks);
  }
  const mean = ({ time, processor }: Clock): Taken => ({ time: time / ROUNDS, processor: processor / ROUNDS });
  return { verify: mean(clocks.verify), digest: mean(clocks.digest), oneShot: mean(clocks.oneShot), growthMb };
}

/** MB by which memory grew in the last nine tenths. */
async function verifyOnce({ path, entries }: LogFile, clock: Clock): Promise<number> {
  const verifier = new FileVerifier({});
  const cutter = new LineCutter();
  const memory = { early: 0, most: 0 };
  let bytes = 0;
  const { size } = statSync(path);
  clock.start();
  for await (const chunk of readFileChunks(path)) {
    cutter.push(chunk);
    while (cutter.advance()) {
      const pending = verifier.line(cutter);
      if (pending !== undefined) await pending;
    }
    bytes += chunk.length;
    const rss = process.memoryUsage.rss();
    if (bytes < size / 10) memory.early = Math.max(memory.early, rss);
    else memory.most = Math.max(memory.most, rss);
  }
  const result = await verifier.finish(cutter.isInside);
  clock.stop();
  demandFine(result, entries);
  return Math.max(0, memory.most - memory.early) / MB;
}

/** Reading and finding the entries is not measured: only their hashing is. */
async function hashOnce({ path }: LogFile, { digest, oneShot }: Record<"digest" | "oneShot", Clock>): Promise<void> {
  const bodies = new Bodies();
  for await (const chunk of readFileChunks(path)) {
    const found = bodies.of(chunk);
    digest.start();
    for (const body of found) createHash("sha256").update(body).digest();
    digest.stop();
    oneShot.start();
    for (const body of found) hash("sha256", body, "base64url");
    oneShot.stop();
  }
}

/** The entries themselves, out of the same chunk. */
class Bodies {
  readonly #cutter = new LineCutter();

  of(chunk: Buffer): readonly Buffer[] {
    const found: Buffer[] = [];
    this.#cutter.push(chunk);
    while (this.#cutter.advance()) {
      const encoded = /^\{"kind":"entry","row":\{"body":"([^"]+)"/.exec(this.#cutter.line().toString("latin1"))?.[1];
      if (encoded !== undefined) found.push(Buffer.from(encoded, "base64url"));
    }
    return found;
  }
}

/** A verifier that looks away would be fast. */
function demandFine({ report, entries, audit }: VerifyResult, expected: number): void {
  const wrong = report.count("wrong");
  if (wrong > 0 || entries !== expected || audit === undefined) throw new Error(`${wrong} findings in an honest log`);
}

/** Fewer entries say how fast; only many say that memory stays flat. */
export async function verification(entries = ENTRIES, mixedEntries = MIXED_ENTRIES): Promise<readonly Row[]> {
  const directory = mkdtempSync(join(tmpdir(), "clawhold-bench-"));
  try {
    const town = await makeTown();
    const long = { path: join(directory, "long.jsonl"), entries };
    await writeLog(town, long, plain(town));
    const chain = await measure(long);
    rmSync(long.path);
    const everyday = { path: join(directory, "mixed.jsonl"), entries: mixedEntries };
    await writeLog(town, everyday, mixed(town));
    const whole = await measure(everyday);
    return [
      row({
        name: `verify ${String(entries)} entries`,
        value: chain.verify.time,
        unit: "ms",
        baseline: { name: "SHA-256 of each once", value: chain.digest.time },
        target: TIME_TARGET,
      }),
      row({
        name: "processor time of the same",
        value: chain.verify.processor,
        unit: "ms",
        baseline: { name: "SHA-256 of each once", value: chain.digest.processor },
      }),
      row({
        name: "the same, time",
        value: chain.verify.time,
        unit: "ms",
        baseline: { name: "SHA-256 of each, one-shot to text", value: chain.oneShot.time },
      }),
      row({ name: "memory, last nine tenths", value: chain.growthMb, unit: "MB more", target: GROWTH_TARGET_MB }),
      row({
        name: `verify ${String(mixedEntries)}, a third receipts`,
        value: whole.verify.time,
        unit: "ms",
        baseline: { name: "SHA-256 of each once", value: whole.digest.time },
      }),
    ];
  } finally {
    rmSync(directory, { recursive: true });
  }
}
