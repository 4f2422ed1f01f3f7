/**
 * One edge that becomes two: its data directory, keys and all, is copied, and both copies go on. Whoever holds an edge can
 * do that; each of the two is an edge like any other, with a history that is consistent in itself.
 */
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import path from "node:path";
import type { Edge as RunningEdge } from "../../../agent/edge/runtime.ts";
import { cosignedBy, openCheckpoint, type Cosigned, type OpenedCheckpoint } from "../../../protocol/checkpoint.ts";
import type { Checkpoints } from "../../../protocol/contracts/ledger.ts";
import { ledgerLineCodec, type LedgerLine } from "../../../protocol/ledger-file.ts";
import { toBase64url, utf8 } from "../../../protocol/bytes.ts";
import { noteToWire } from "../../../protocol/note.ts";
import type { TrustPage } from "../../../protocol/trust/statements.ts";
import type { TrustState } from "../../../protocol/trust/state.ts";
import { offer, RealEdge, rootFor } from "../../attack/real-edge.ts";
import { now, type EdgePage } from "../../fixtures/edge/page.ts";
import { Town } from "../../fixtures/edge/town.ts";
import { signerOf } from "../../fixtures/keys.ts";
import { bundleWorker, type Bundle } from "../../parity/bundle.ts";
import type { Machine } from "./machine.ts";

export interface Side {
  readonly running: RunningEdge;
  readonly edge: RealEdge;
}

export class Fork {
  readonly bundle: Bundle;
  readonly town: Town;
  a: Side;
  b: Side | undefined;

  private constructor(bundle: Bundle, town: Town, a: Side) {
    this.bundle = bundle;
    this.town = town;
    this.a = a;
  }

  /** One edge, and a workspace founded on it. */
  static async found(): Promise<Fork> {
    const bundle = await bundleWorker();
    const a = await start(bundle, { data: "a" });
    const setup = await offer(a.edge, "setup");
    const founding = await rootFor(a.edge, setup);
    const me = await founding.page.must("setupRoot", { body: founding.body });
    founding.page.signer = await signerOf("session");
    return new Fork(bundle, Town.of({ ...founding, session: String(me["session"]) }), a);
  }

  get page(): EdgePage {
    return this.town.page;
  }

  async admit({ admission }: Machine): Promise<void> {
    const { origin } = this.a.edge;
    const reply = await this.town.state("host.admit", admission, (draft) => void (draft.knobs = { origin }));
    if (reply.status !== 200) throw new Error(JSON.stringify(reply.body));
  }

  /** The copy goes on at another door. */
  async split(): Promise<Side> {
    const { port } = this.a.edge;
    await this.a.running.stop();
    const { directory } = this.bundle;
    execFileSync("cp", ["-a", path.join(directory, "a"), path.join(directory, "b")]); // with its modes
    rmSync(path.join(directory, "b", "run"), { recursive: true, force: true });
    this.a = await start(this.bundle, { data: "a", port });
    Object.assign(this.page, { edge: this.a.edge }); // the same origin, started again
    this.b = await start(this.bundle, { data: "b" });
    return this.b;
  }

  async checkpoints(): Promise<Checkpoints> {
    return (await this.page.must("checkpoints")) as unknown as Checkpoints;
  }

  async stop(): Promise<void> {
    await this.a.running.stop();
    await this.b?.running.stop();
    this.bundle.remove();
  }
}

async function start(bundle: Bundle, at: { readonly data: string; readonly port?: number }): Promise<Side> {
  const running = await RealEdge.run(bundle, at);
  return { running, edge: RealEdge.of(running, bundle) };
}

/** What a database says that hosts cosigned, as far as their keys say so too. */
export interface Vouched {
  readonly newest: OpenedCheckpoint;
  readonly cosigned: readonly Cosigned[];
}

export async function vouched({ edge }: Side, trust: TrustState): Promise<Vouched> {
  const [checkpoints = [], witnesses = []] = await edge.sql([
    { sql: "SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1" },
    { sql: "SELECT host, note FROM witnesses" },
  ]);
  const cosigned: Cosigned[] = [];
  for (const row of witnesses) {
    const host = String(row["host"]);
    const admitted = trust.hosts.get(host);
    const opened = await open(String(row["note"]), trust);
    const at = admitted === undefined ? undefined : await cosignedBy(opened, { host, cosignKey: admitted.cosignKey });
    if (at !== undefined) cosigned.push({ host, size: opened.size, at });
  }
  return { newest: await open(String(checkpoints[0]?.["note"]), trust), cosigned };
}

/** What that side would give somebody as a copy of the log, with everything that hosts cosigned. */
export async function copyOf({ edge }: Side, page: TrustPage): Promise<Buffer> {
  const [newest = [], witnesses = [], entries = []] = await edge.sql([
    { sql: "SELECT size, note FROM checkpoints ORDER BY size DESC LIMIT 1" },
    { sql: "SELECT note FROM witnesses" },
    {
      sql: `SELECT idx, body, hash FROM ledger
        WHERE idx <= (SELECT max(size) FROM checkpoints) ORDER BY idx`,
    },
  ]);
  const { workspace } = JSON.parse(String(entries[0]?.["body"])) as { readonly workspace: string };
  const lines: LedgerLine[] = [
    { kind: "log", v: 1, workspace, form: "chain" },
    { kind: "trust", page },
    ...[...newest, ...witnesses].map(({ note }) => ({ kind: "checkpoint" as const, note: noteToWire(String(note)) })),
    ...entries.map(({ idx, body, hash }) => ({
      kind: "entry" as const,
      row: { index: Number(idx), body: toBase64url(utf8(String(body))), hash: String(hash) },
    })),
  ];
  const all: LedgerLine[] = [...lines, { kind: "end", lines: lines.length }];
  return Buffer.concat(all.flatMap((line) => [ledgerLineCodec.encode(line), utf8("\n")]));
}

export async function open(note: string, { workspace, ledgerKey }: TrustState): Promise<OpenedCheckpoint> {
  const opened = await openCheckpoint(note, { workspace, ledgerKey });
  if (typeof opened === "string") throw new Error(`checkpoint: ${opened}`);
  return opened;
}

export { now };
