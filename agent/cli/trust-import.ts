/**
 * `clawhold trust import`: takes a trust log from a file, when the edge withholds something. A file is worth no more than a
 * page of the tunnel: every line proves itself against the pin of this host, or is not taken.
 */
import { fromBase64url, utf8Text } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { digestOf } from "../../protocol/signing.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import type { TrustPage } from "../../protocol/trust/statements.ts";
import { askAtDoor } from "../host/door.ts";
import { pagesOf, readTrustFile, type HeldTrust } from "../host/trust-file.ts";
import { AppendError } from "../host/warden/append-file.ts";
import { isRoot, type TrustItem } from "../host/warden/trust-replay.ts";
import { heldDigests, TrustStore } from "../host/warden/trust-store.ts";
import { dataOption, type Command } from "./command.ts";
import { CliError, EXIT, usageError, type ExitCode } from "./io.ts";
import { holderOf } from "./running-edge.ts";
import { readTrustBytes } from "./trust-bytes.ts";
import { heldBy, openTrust, type OpenedTrust } from "./trust-state.ts";
import { describeStatement, explainFreeze, type Described } from "./trust-words.ts";

export const trustImport: Command = {
  name: "trust import",
  summary: "Take a trust log, or one revocation, from a file",
  help: `Usage: clawhold trust import <file> [--data <directory>] [--json]

Takes statements of this host's workspace from a file that clawhold trust export wrote: revocations, for example, that
the edge does not deliver. Works while the agent runs, which takes them at once, and while it does not. Every line is
verified as if it had come from the edge; what this host holds already is passed over.

  --data <directory>   where the state of this installation lies
  --json               one JSON object

Exit code 4 when a line does not verify, when nothing of the file could be taken, or when this host holds two histories
afterwards.`,
  options: dataOption,
  words: 1,
  run: async (input, io) => {
    const [path] = input.words;
    if (path === undefined)
      throw usageError("The file to take is missing. Type clawhold trust import --help for what it takes.");
    const items = readTrustFile(readTrustBytes(path, "Check its name."));
    const opened = openTrust(input, io);
    const before = await heldBy(opened);
    const taking = await take(pagesOf(items), opened);
    const after = await heldBy(opened);
    const result = resultOf({ items, before, after, taking });
    if (input.json) io.out(JSON.stringify(result));
    else for (const line of said(result, after.state)) io.out(line);
    return exitOf(result);
  },
};

interface Taken {
  readonly added: number;
  readonly refusal?: string | undefined;
  readonly passedOver?: string | undefined;
}

type TakePages = (pages: readonly TrustPage[]) => Promise<readonly Taken[]>;

/** Round after round, because a file may be in any order, until a round brings nothing. */
async function take(pages: readonly TrustPage[], opened: OpenedTrust): Promise<Taken> {
  const isRunning = holderOf(`${opened.state.path}/lock`) !== undefined;
  return isRunning ? rounds(pages, atDoor(opened)) : withStore(opened, (store) => rounds(pages, store));
}

async function rounds(pages: readonly TrustPage[], takePages: TakePages): Promise<Taken> {
  let added = 0;
  for (;;) {
    const round = await takePages(pages);
    const brought = round.reduce((sum, taken) => sum + taken.added, 0);
    added += brought;
    const refusal = round.find((taken) => taken.refusal !== undefined)?.refusal;
    const passedOver = round.find((taken) => taken.passedOver !== undefined)?.passedOver;
    if (refusal !== undefined || brought === 0) return { added, refusal, passedOver };
  }
}

function atDoor({ state }: OpenedTrust): TakePages {
  return async (pages) => {
    const answers = await askAtDoor(
      state.files.door,
      pages.map((page) => ({ kind: "trust", page })),
    );
    if (answers === undefined)
      throw new CliError(
        "agent_silent",
        "The agent of this host runs and does not answer, so nothing is known of what it took. Wait a moment and type this again; it does no harm twice.",
        EXIT.unreachable,
      );
    return answers.map((answer) => {
      if (answer.kind === "taken") return answer;
      throw diskError();
    });
  };
}

async function withStore<T>({ state, host }: OpenedTrust, use: (take: TakePages) => Promise<T>): Promise<T> {
  const lock = state.lock(() => new Date());
  try {
    const store = await TrustStore.open({ path: state.files.trust, pin: { workspace: host.workspace } });
    try {
      return await use(async (pages) => {
        const taken: Taken[] = [];
        for (const page of pages) taken.push(await store.accept(page));
        return taken;
      });
    } catch (error) {
      throw error instanceof AppendError ? diskError() : error;
    } finally {
      store.close();
    }
  } finally {
    lock.release();
  }
}

function diskError(): CliError {
  return new CliError(
    "trust_write_failed",
    "The disk did not take all of it, so part of the file may be missing here. Free some space, then type this again; it does no harm twice.",
  );
}

interface Result {
  readonly event: "imported";
  readonly taken: readonly Described[];
  /** Statements of the file that this host does not hold afterwards. */
  readonly left: number;
  readonly passedOver: string | undefined;
  readonly refusal: string | undefined;
  readonly n: number | undefined;
  readonly frozen: boolean;
}

interface Imported {
  readonly items: readonly TrustItem[];
  readonly before: HeldTrust;
  readonly after: HeldTrust;
  readonly taking: Taken;
}

function resultOf({ items, before, after, taking }: Imported): Result {
  const { state } = after;
  const mine = new Set(items.map((item) => utf8Text(encodeCanonical(item))));
  // The tunnel may have brought something meanwhile: only what the file holds is told.
  const isNew = new Set(after.lines.slice(before.lines.length).filter((line) => mine.has(line)));
  const fresh = items.filter((item) => isNew.delete(utf8Text(encodeCanonical(item))));
  const held = heldDigests(state);
  const statements = items.flatMap((item) => (isRoot(item) ? [] : [item]));
  return {
    event: "imported",
    taken: state === undefined ? [] : fresh.flatMap((item) => (isRoot(item) ? [] : [describeStatement(item, state)])),
    left: statements.filter(({ statement }) => !held.has(digestOf("statement", fromBase64url(statement)))).length,
    passedOver: taking.passedOver,
    refusal: taking.refusal,
    n: state?.head.n,
    frozen: state?.frozen !== undefined,
  };
}

function exitOf({ taken, left, refusal, frozen }: Result): ExitCode {
  const isNothing = taken.length === 0 && left > 0;
  return refusal !== undefined || frozen || isNothing ? EXIT.refused : EXIT.ok;
}

const REVOKING = /\.revoke$/;

function said(result: Result, state: TrustState | undefined): readonly string[] {
  const revocations = result.taken.filter(({ kind }) => REVOKING.test(kind));
  const others = result.taken.filter(({ kind }) => !REVOKING.test(kind));
  const lines = [...listed(revocations, "revocation"), ...listed(others, "statement")];
  if (lines.length === 0) lines.push("Nothing was taken: this host held it already, or could not use it.");
  if (result.refusal !== undefined) lines.push(refused(result.refusal));
  else if (result.left > 0) lines.push(passedOver(result.left, result.passedOver));
  if (state?.frozen !== undefined) lines.push("", "FROZEN", ...explainFreeze(state.frozen));
  return lines;
}

function listed(taken: readonly Described[], noun: string): string[] {
  if (taken.length === 0) return [];
  const count = taken.length === 1 ? `1 ${noun}` : `${String(taken.length)} ${noun}s`;
  return [`${count} taken:`, ...taken.map(({ sentence }) => `  ${sentence}`)];
}

function refused(code: string): string {
  if (code === "workspace" || code === "setup_key")
    return "The file is for another workspace than the one this host belongs to, so it was refused.";
  if (code === "no_root")
    return "This host has no trust log yet and the file does not begin with the root. Give it a whole log: clawhold trust export.";
  return `A statement of the file does not verify (${code}), so it and what follows it were refused. Get the file again, from a host or a person that you trust.`;
}

const PASSED_OVER: Readonly<Record<string, string>> = {
  place: "what they follow is neither here nor in the file, or something else holds their place",
  fork: "they resolve something else than the two histories at hand",
  frozen: "two histories are claimed here, so only revocations count",
  revoked: "whoever approved them had been revoked before",
  revocations: "they know revocations that are neither here nor in the file",
};

function passedOver(left: number, code: string | undefined): string {
  const count = left === 1 ? "1 statement of the file was" : `${String(left)} statements of the file were`;
  const why = PASSED_OVER[code ?? "place"] ?? "they do not count here";
  return `${count} passed over: ${why}. If this host is behind, export the whole log where it is newer, and take that.`;
}
