/** The far end of the page's network: an edge that says what a test wants it to say. What the page makes of it is real. */
import type { ActivityRow, HostRow } from "../../../protocol/contracts.ts";
import type { Segment } from "../../../protocol/contracts/ledger.ts";
import type { ChainPosition } from "../../../protocol/ledger.ts";
import type { Seen } from "../../../protocol/signer-memory.ts";
import { NO_REVOCATIONS } from "../../../protocol/trust/state.ts";
import type { TrustPage } from "../../../protocol/trust/statements.ts";
import { fromBase64url } from "../../../protocol/bytes.ts";
import { digestOf } from "../../../protocol/signing.ts";
import { EdgeClock } from "../../../web/client/clock.ts";
import type { EdgeClient } from "../../../web/client/http.ts";
import { MachineMemory } from "../../../web/client/machine-memory.ts";
import { TroubleError, UNREACHABLE } from "../../../web/client/trouble.ts";
import type { TrustDeps } from "../../../web/client/trust.ts";
import type { Vault } from "../../../web/client/vault.ts";
import type { World } from "../../fixtures/workspace.ts";
import type { SignedLog } from "./signed-log.ts";

interface Query {
  readonly query?: Readonly<Record<string, string>>;
  readonly params?: Readonly<Record<string, string>>;
}

const LOG_CALLS: readonly string[] = ["activity", "entryProof", "checkpoints", "consistency", "looking"];

export class FarEnd {
  trust: TrustPage;
  rows: readonly ActivityRow[];
  head: ChainPosition | undefined;
  hosts: readonly HostRow[] = [];
  /** A log with checkpoints; answers for the rows too. */
  log: SignedLog | undefined;
  /** Sealed parts of the log, as the edge tells of them. */
  segments: readonly Segment[] = [];
  /** What the edge hands out as the submission of every command. */
  evidence: string | undefined;
  /** Asked before each answer: true, and there is none. */
  isSilent: (name: string) => boolean = () => false;
  /** What this browser keeps between visits. */
  readonly kept = new Map<string, unknown>();
  /** What the page's own machine answers; it remembers nothing unless a test says otherwise. */
  machine: (seen?: Seen) => Response = () => Response.json({});
  readonly #workspace: string;

  constructor(world: World, rows: readonly ActivityRow[] = []) {
    this.#workspace = world.workspace;
    this.trust = { root: world.root, statements: [...world.statements] };
    this.rows = rows;
    this.kept.set("workspace", world.workspace);
  }

  deps(): TrustDeps {
    const client = { call: (name: string, input: Query = {}) => this.#answer(name, input) };
    const vault = {
      get: (key: string) => Promise.resolve(this.kept.get(key)),
      set: (key: string, value: unknown) => Promise.resolve(void this.kept.set(key, value)),
    };
    return {
      client: client as unknown as EdgeClient,
      vault: vault as unknown as Vault,
      clock: new EdgeClock(),
      memory: new MachineMemory((seen) => Promise.resolve(this.machine(seen))),
    };
  }

  #answer(name: string, { query = {}, params = {} }: Query): Promise<unknown> {
    if (this.isSilent(name)) return Promise.reject(new TroubleError(UNREACHABLE));
    const after = query["after"] === undefined ? undefined : Number(query["after"]);
    if (this.log !== undefined && LOG_CALLS.includes(name)) return this.log.answer(name, { query, params });
    if (name === "trust") return Promise.resolve(this.#trust(after));
    if (name === "hosts") return Promise.resolve({ hosts: this.hosts, now: 1 });
    if (name === "activity") return Promise.resolve(this.#activity(query));
    if (name === "retention") return Promise.resolve({ segments: this.segments, openFrom: 1 });
    // Nothing is signed here: an edge of which nobody has a checkpoint.
    if (LOG_CALLS.includes(name)) return Promise.reject(new TroubleError(NOT_FOUND));
    if (name === "commandEvidence") return Promise.resolve({ submission: this.evidence });
    throw new TypeError(`nobody asks for ${name} here`);
  }

  #trust(after: number | undefined): unknown {
    const { root, statements } = this.trust;
    const bytes = statements.at(-1)?.statement;
    const hash = bytes === undefined ? this.#workspace : digestOf("statement", fromBase64url(bytes));
    return {
      page: after === undefined ? { root, statements } : { statements: statements.slice(after) },
      head: { n: statements.length, hash, revoked: NO_REVOCATIONS },
      names: [],
    };
  }

  #activity(query: Readonly<Record<string, string>>): unknown {
    const last = this.rows.at(-1);
    const head = this.head ?? { index: last?.index ?? 0, hash: last?.hash ?? "" };
    const limit = Number(query["limit"]);
    if (query["after"] !== undefined) {
      const after = Number(query["after"]);
      return { rows: this.rows.filter(({ index }) => index > after).slice(0, limit), head };
    }
    const before = Number(query["before"] ?? Infinity);
    const older = this.rows.filter(({ index }) => index < before);
    return { rows: older.slice(-limit).toReversed(), head };
  }
}

const NOT_FOUND = { code: "not_found", what: "There is nothing at this address." };
