/** A log with tree, checkpoints and witnesses, as an edge gives it to a page; any size, honest unless it is bent. */
import { fromBase64url, toBase64url, utf8Text } from "../../../protocol/bytes.ts";
import { entryLeaf, logOrigin, checkpointText, witnessName } from "../../../protocol/checkpoint.ts";
import type { ActivityRow, Checkpoints } from "../../../protocol/contracts/ledger.ts";
import type { LedgerEntry } from "../../../protocol/ledger.ts";
import { consistencyProof, inclusionProof, nodeHash, readRoot, type Hash } from "../../../protocol/merkle.ts";
import { cosign, encodeNote, noteToWire, signNote, type NoteSignature } from "../../../protocol/note.ts";
import { TroubleError } from "../../../web/client/trouble.ts";
import { noteSignerOf } from "../../fixtures/witnessed-log.ts";

type Query = Readonly<Record<string, string>>;

export interface Witness {
  readonly host: string;
  readonly key: string;
  readonly size: number;
  readonly at: number;
}

export class SignedLog {
  readonly workspace: string;
  readonly rows: ActivityRow[];
  /** Size of the newest checkpoint. */
  signed: number;
  now: number;
  witnesses: Witness[] = [];
  refused: Checkpoints["refused"];
  looking: readonly { readonly person: string; readonly sessions: number; readonly lastSeenAt: number }[] = [];
  /** Name of the key that signs checkpoints. */
  key = "ledger";
  /** Every call, by name. */
  readonly asked: string[] = [];
  readonly #levels: Hash[][] = [[]];

  constructor(workspace: string, rows: readonly ActivityRow[], { now = 0, signed = rows.length } = {}) {
    this.workspace = workspace;
    this.rows = [...rows];
    this.signed = signed;
    this.now = now;
  }

  async answer(name: string, { query, params }: { readonly query: Query; readonly params: Query }): Promise<unknown> {
    this.asked.push(name);
    if (name === "activity") return this.#activity(query);
    if (name === "entryProof") return this.#proof(Number(params["index"]));
    if (name === "checkpoints") return this.#checkpoints();
    if (name === "looking") return { people: this.looking, now: this.now };
    const [from, to] = [Number(query["from"]), Number(query["to"])];
    if (from < 1 || from > to || to > this.rows.length) throw notThere("malformed_request");
    return { consistency: (await consistencyProof(from, to, this.#read)).map(toBase64url) };
  }

  async note(size: number, witnesses: readonly Witness[] = []): Promise<string> {
    const root = await readRoot(size, this.#read);
    const text = checkpointText({ workspace: this.workspace, size, root });
    const signatures: NoteSignature[] = [await signNote(text, logOrigin(this.workspace), await noteSignerOf(this.key))];
    for (const { host, key, at } of witnesses)
      signatures.push(await cosign({ text, name: witnessName(this.workspace, host), at }, await noteSignerOf(key)));
    return noteToWire(encodeNote({ text, signatures }));
  }

  async #activity(query: Query): Promise<unknown> {
    const last = this.rows.at(-1);
    const head = { index: last?.index ?? 0, hash: last?.hash ?? "" };
    const limit = Number(query["limit"]);
    if (query["after"] !== undefined) {
      const after = Number(query["after"]);
      return { rows: this.rows.slice(after, after + limit), head };
    }
    const before = Math.min(Number(query["before"] ?? Infinity), head.index + 1);
    if (!FILTERS.some((name) => query[name] !== undefined))
      return { rows: this.rows.slice(Math.max(0, before - 1 - limit), before - 1).toReversed(), head };
    const rows: ActivityRow[] = [];
    let scanned = before;
    while (scanned > 1 && rows.length < limit) {
      scanned -= 1;
      const row = this.rows[scanned - 1];
      if (row !== undefined && fits(entryOf(row), query)) rows.push(row);
    }
    const inclusion = await Promise.all(
      rows.map(async ({ index }) =>
        index > this.signed ? [] : (await inclusionProof(index - 1, this.signed, this.#read)).map(toBase64url),
      ),
    );
    return { rows, head, scanned, inclusion, checkpoint: await this.note(this.signed) };
  }

  async #proof(index: number): Promise<unknown> {
    const row = this.rows[index - 1];
    if (row === undefined) throw notThere("not_found");
    if (index > this.signed) this.signed = this.rows.length;
    const inclusion = (await inclusionProof(index - 1, this.signed, this.#read)).map(toBase64url);
    const here = this.witnesses.filter(({ size }) => size === this.signed);
    return { row, inclusion, checkpoint: await this.note(this.signed, here) };
  }

  async #checkpoints(): Promise<unknown> {
    const at = this.now;
    const here = this.witnesses.filter(({ size }) => size === this.signed);
    return {
      checkpoints: this.signed === 0 ? [] : [{ note: await this.note(this.signed, here), at }],
      witnesses: await Promise.all(
        this.witnesses.map(async (one) => ({ host: one.host, note: await this.note(one.size, [one]), at: one.at })),
      ),
      ...(this.refused === undefined ? {} : { refused: this.refused }),
      now: this.now,
    };
  }

  /** Forgets the tree, for whoever changed rows that were there. */
  replant(): void {
    this.#levels.splice(0, this.#levels.length, []);
  }

  readonly #read = ({ level, index }: { readonly level: number; readonly index: number }): Promise<Hash> => {
    const leaves = this.#levels[0] ?? [];
    for (let place = leaves.length; place < this.rows.length; place += 1)
      leaves.push(entryLeaf(this.rows[place]?.hash ?? ""));
    return Promise.resolve(this.#node(level, index));
  };

  #node(level: number, index: number): Hash {
    const held = this.#levels[level]?.[index];
    if (held !== undefined) return held;
    if (level === 0) throw new RangeError("no such leaf");
    const made = nodeHash(this.#node(level - 1, 2 * index), this.#node(level - 1, 2 * index + 1));
    (this.#levels[level] ??= [])[index] = made;
    return made;
  }
}

const FILTERS = ["since", "until", "actor", "action", "host"] as const;

/** Read once and without a schema: a long log is looked through again and again. */
const read = new WeakMap<ActivityRow, LedgerEntry>();

function entryOf(row: ActivityRow): LedgerEntry {
  const known = read.get(row) ?? (JSON.parse(utf8Text(fromBase64url(row.body))) as LedgerEntry);
  read.set(row, known);
  return known;
}

function fits({ at, actor, action, target }: LedgerEntry, query: Query): boolean {
  const id = "id" in actor ? actor.id : actor.kind;
  const { since = "0", until = "Infinity", host } = query;
  if (at / 1000 < Number(since) || at / 1000 >= Number(until)) return false;
  if (query["action"] !== undefined && query["action"] !== action) return false;
  if (query["actor"] !== undefined && query["actor"] !== id) return false;
  return host === undefined || host === id || host === target;
}

function notThere(code: string): TroubleError {
  return new TroubleError({ code, what: "There is nothing at this address." });
}
