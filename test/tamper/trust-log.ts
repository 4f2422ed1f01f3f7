/** The statements that say whose keys count: left out, kept back, replaced, or made by somebody without the right. */
import { noteSignerOf } from "../../agent/shared/signer.ts";
import { fromBase64url, toBase64url } from "../../protocol/bytes.ts";
import type { LedgerLine } from "../../protocol/ledger-file.ts";
import { digestOf } from "../../protocol/signing.ts";
import { seedOf } from "../fixtures/keys.ts";
import { chainLines, noteOf, trustLines, type EntryDraft, type LogTown } from "../fixtures/log-file.ts";
import { hostBodyOf, stated } from "../fixtures/workspace.ts";
import { isKind, lines, replaced, rowsOf, type Tamper, type Tampered } from "./tamper.ts";

export const trustLog: readonly Tamper[] = [
  {
    name: "a trust statement left out",
    power: "the file",
    by: "trust_statement",
    make: bentTrust((statements) => statements.toSpliced(2, 1)),
  },
  {
    name: "two trust statements exchanged",
    power: "the file",
    by: "trust_statement",
    make: bentTrust(([a, b, ...rest]) => [b, a, ...rest]),
  },
  { name: "another ledger key in the root", power: "the file", by: "trust_root", make: bentRoot() },
  {
    name: "a ledger key put in by somebody without the right",
    power: "the ledger key",
    by: "trust_statement",
    make: rotatedByStranger,
  },
  {
    name: "a host put in by somebody without the right",
    power: "the ledger key",
    by: "trust_statement",
    make: admittedByStranger,
  },
  {
    name: "a ledger key that was replaced since",
    power: "the ledger key",
    by: "checkpoint_old_key",
    make: async (town) => {
      const { state, people } = town.world;
      const body = { key: noteSignerOf(seedOf("next ledger")).publicKey };
      const statement = await stated({ state, by: people.ada.passkey }, { kind: "ledger-key.rotate", body });
      return {
        lines: await chainLines(town, {
          trust: [...trustLines(town), { kind: "trust", page: { statements: [statement] } }],
        }),
      };
    },
  },
  {
    name: "a trust log as it was before hosts were admitted, so that one host is more than half",
    power: "the ledger key",
    by: "trust_older",
    make: async (town) => {
      const drafts: EntryDraft[] = [{ actor: { kind: "edge" }, action: "alert.raised", detail: { code: "other" } }];
      const rows = rowsOf({ ...town, drafts });
      const { root, statements } = town.world;
      const notes = [await noteOf(town, { rows, cosigners: town.hosts.slice(0, 1) })];
      const page = { root, statements: statements.slice(0, -2) };
      const newest = digestOf("statement", fromBase64url(statements.at(-1)?.statement ?? ""));
      return { lines: await chainLines(town, { rows, notes, trust: [{ kind: "trust", page }] }), trust: [newest] };
    },
  },
  {
    name: "the newest trust statement kept back",
    power: "the file",
    by: "trust_short",
    make: async (town) => {
      // With what people signed in the file their own trust heads would tell.
      const honest = await chainLines(town, { evidence: false });
      const last = honest.findLastIndex(isKind("trust"));
      const shorter = (line: LedgerLine): unknown =>
        line.kind === "trust"
          ? { ...line, page: { ...line.page, statements: line.page.statements.slice(0, -1) } }
          : line;
      return { lines: replaced(honest, last, shorter) };
    },
  },
];

function bentTrust(change: (statements: unknown[]) => unknown[]) {
  return lines((honest) => {
    const page = (line: LedgerLine): unknown =>
      line.kind === "trust" && line.page.root !== undefined
        ? { ...line, page: { ...line.page, statements: change([...line.page.statements]) } }
        : line;
    return honest.map(page);
  });
}

function bentRoot() {
  return lines((honest) =>
    honest.map((line) => {
      if (line.kind !== "trust" || line.page.root === undefined) return line;
      const root = JSON.parse(Buffer.from(line.page.root.root, "base64url").toString()) as Record<string, unknown>;
      root["ledgerKey"] = noteSignerOf(seedOf("attacker")).publicKey;
      const bytes = Buffer.from(JSON.stringify(root));
      return { ...line, page: { ...line.page, root: { ...line.page.root, root: toBase64url(bytes) } } };
    }),
  );
}

async function rotatedByStranger(town: LogTown): Promise<Tampered> {
  const { state, people } = town.world;
  const attacker = noteSignerOf(seedOf("attacker"));
  const statement = await stated(
    { state, by: people.vera.passkey },
    { kind: "ledger-key.rotate", body: { key: attacker.publicKey } },
  );
  const rows = rowsOf(town);
  const notes = [await noteOf(town, { rows, signer: attacker })];
  return {
    lines: await chainLines(town, {
      notes,
      trust: [...trustLines(town), { kind: "trust", page: { statements: [statement] } }],
    }),
  };
}

async function admittedByStranger(town: LogTown): Promise<Tampered> {
  const { state, people } = town.world;
  const statement = await stated(
    { state, by: people.vera.passkey },
    { kind: "host.admit", body: await hostBodyOf("attacker") },
  );
  return {
    lines: await chainLines(town, {
      trust: [...trustLines(town), { kind: "trust", page: { statements: [statement] } }],
    }),
  };
}
