/**
 * Removes each rule of the verifiers in turn and asks whether a named case notices. Run: node test/protocol/mutation.ts
 * [--json]. A survivor is a rule that nothing tests, unless `redundant` says why it cannot be told apart.
 */
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { accusedCases } from "./rules/accused-cases.ts";
import { assertionCases } from "./rules/assertion-cases.ts";
import { automationCases } from "./rules/automation-cases.ts";
import { product, type Modules, type RuleCase } from "./rules/cases.ts";
import { envelopeCases } from "./rules/envelope-cases.ts";
import { execOnceCases } from "./rules/exec-once-cases.ts";
import { forkCases } from "./rules/fork-cases.ts";
import { keyCases } from "./rules/key-cases.ts";
import { keyStatementCases } from "./rules/key-statement-cases.ts";
import { parserCases } from "./rules/parser-cases.ts";
import { prepareCases } from "./rules/prepare-cases.ts";
import { proposalCases } from "./rules/proposal-cases.ts";
import { readCases } from "./rules/read-cases.ts";
import { revocationCases } from "./rules/revocation-cases.ts";
import { sealedCases } from "./rules/sealed-cases.ts";
import { sessionEndCases } from "./rules/session-end-cases.ts";
import { signatureCases } from "./rules/signature-cases.ts";
import { statementCases } from "./rules/statement-cases.ts";
import { trustCases } from "./rules/trust-cases.ts";
import { mutantsOf, type Mutant } from "./mutants.ts";

const protocol = fileURLToPath(new URL("../../protocol/", import.meta.url));
/** One for each run, so that two at once do not saw at one bench. */
const workshop = fileURLToPath(new URL(`../../.cache/mutants/${process.pid}/`, import.meta.url));

const teamCommands = [...proposalCases, ...automationCases];
const histories = [...forkCases, ...accusedCases, ...revocationCases];
const allTrustCases = [...trustCases, ...statementCases, ...keyStatementCases, ...histories];

const files: Readonly<Record<string, readonly RuleCase[]>> = {
  "verify.ts": [...envelopeCases, ...prepareCases, ...teamCommands, ...sealedCases],
  "verify/author.ts": [...envelopeCases, ...prepareCases, ...teamCommands, ...sessionEndCases],
  "verify/approvals.ts": [...envelopeCases, ...teamCommands, ...sealedCases],
  "verify/authority.ts": [...envelopeCases, ...teamCommands, ...execOnceCases],
  "verify/read.ts": readCases,
  "verify/session-end.ts": sessionEndCases,
  "verify/refused.ts": [...envelopeCases, ...prepareCases],
  "assertion.ts": assertionCases,
  "public-key.ts": keyCases,
  "client-data.ts": [...parserCases, ...assertionCases],
  "der.ts": parserCases,
  "ed25519.ts": [...parserCases, ...assertionCases, ...signatureCases],
  "canonical.ts": [...parserCases, ...envelopeCases],
  "fields.ts": envelopeCases,
  "ledger.ts": parserCases,
  "roles.ts": [...teamCommands, ...envelopeCases],
  "trust/apply.ts": allTrustCases,
  "trust/aside.ts": histories,
  "trust/approvals.ts": allTrustCases,
  "trust/extend.ts": allTrustCases,
  "trust/fork.ts": histories,
  "trust/resolve.ts": allTrustCases,
  "trust/settle.ts": histories,
  "trust/state.ts": [...execOnceCases, ...allTrustCases, ...teamCommands, ...envelopeCases],
  "trust/transitions.ts": allTrustCases,
};

/** Rules that another rule also enforces: taking one away changes no verdict. `file: what was replaced -> by`. */
export const redundant: Readonly<Record<string, string>> = {
  "verify.ts: target === undefined -> false": "then the number of targets is not one",
  "verify.ts: mine.length !== 1 -> false": "the schema has refused a host named twice",
  "verify.ts: !Number.isFinite(approved) -> false": "approval_missing and the schema leave no other number",
  'client-data.ts: typeof value !== "object" -> false': "numbers, texts and booleans have none of the members",
  "client-data.ts: Array.isArray(value) -> false": "a list has none of the members",
  "der.ts: der[1] === undefined -> false": "then the length does not match either",
  "der.ts: der[1] > 0x7f -> false": "two integers of at most 33 bytes never fill that length",
  "der.ts: length === undefined -> false": "then nothing follows that could end where it must",
  "der.ts: length < 1 -> false": "an empty integer reads as a zero, which is refused",
  "der.ts: end > der.length -> false": "then the end is not where it must be",
  "der.ts: content.length === 1 -> false": "a missing second byte reads as a zero",
  "ed25519.ts: signature.length === 64 -> true": "this platform refuses it too; workerd throws instead",
  "ed25519.ts: SECOND_BYTES.has(encoding[1] ?? 0) -> true": "only saves time",
  "fields.ts: text === undefined -> false": "guards what we write ourselves; a decoder compares all bytes",
  'trust/resolve.ts: (frozen.reason === "revoked_author" || frozen.other === drop) -> true':
    "a fork ends only where the other history is dropped, which the state asks too",
  "trust/settle.ts: resolution.knew.has(one.digest) -> false": "whoever it names approves nothing that knew it",
  "canonical.ts: /^[ -~]*$/.test(text) -> false": "only saves time",
  "fields.ts: !result.success -> false": "a value that failed is cut short, so it does not read as written",
  "trust/apply.ts: error instanceof RangeError -> false": "the schema has already decoded every base64url text",
  "trust/approvals.ts: error instanceof RangeError -> false": "the schema has already decoded every base64url text",
  "verify/refused.ts: error instanceof RangeError -> false": "the schema has already decoded every base64url text",
  "verify.ts: exp !== undefined -> true": "nothing is later or earlier than an absent end",
  'verify/author.ts: approval.kind !== "intent" -> false': "no other kind names a successor",
  "verify.ts: others.length === 0 -> true": "the schema takes one ciphertext",
  'verify/read.ts: author.kind !== "session" -> false': "a read names a session, so no other key is asked",
  "trust/apply.ts: approver === undefined -> false": "then the number of approvers is not one",
  'trust/approvals.ts: statement.kind !== "credential.revoke" -> false': "no other kind names a passkey to be revoked",
  "trust/fork.ts: ours === undefined -> false": "what follows our own last statement was judged as ours",
  "trust/fork.ts: theirs === undefined -> false": "a statement that is held already was let pass before",
  "trust/settle.ts: place.knew.has(one.digest) -> false": "whoever it names approves nothing that knew it",
  "trust/state.ts: until !== undefined -> true": "nothing is later than an absent end",
  "trust/state.ts: person !== undefined -> true": "whoever can administer is a person of this state",
  "trust/transitions.ts: person === undefined -> false": "whoever is in force is in the chain",
  ...filterOfThisPlatform(),
};

/** Node 24 (OpenSSL 3.5) refuses these points by itself. workerd and Chromium do not: test/browser shows it. */
function filterOfThisPlatform(): Readonly<Record<string, string>> {
  const both = "!isAcceptableSignature(signature) || !isAcceptablePoint(publicKey)";
  const reason = "this platform refuses them too; others do not";
  return Object.fromEntries([
    ...[both, ...both.split(" || ")].map((was) => [`ed25519.ts: ${was} -> false`, reason]),
    ["ed25519.ts: isAcceptablePoint(signature.subarray(0, 32)) -> true", reason],
  ]) as Record<string, string>;
}

export interface Outcome {
  readonly mutant: string;
  readonly line: number;
  /** Name of the first case that noticed. */
  readonly killedBy?: string;
}

async function load(directory: string): Promise<Modules> {
  const names: Readonly<Record<keyof Modules, string>> = {
    assertion: "assertion",
    canonical: "canonical",
    clientData: "client-data",
    der: "der",
    ed25519: "ed25519",
    ledger: "ledger",
    operations: "operations",
    publicKey: "public-key",
    roles: "roles",
    apply: "trust/apply",
    fork: "trust/fork",
    state: "trust/state",
    verify: "verify",
    sessionEnd: "verify/session-end",
    read: "verify/read",
  };
  const loaded: Record<string, unknown> = {};
  for (const [key, file] of Object.entries(names)) {
    loaded[key] = await import(pathToFileURL(`${directory}${file}.ts`).href);
  }
  return loaded as unknown as Modules;
}

async function firstNotice(modules: Modules, cases: readonly RuleCase[]): Promise<string | undefined> {
  for (const one of cases) {
    const verdict = await one.run(modules).catch(() => "crash");
    if (verdict !== one.expected) return one.name;
  }
  return undefined;
}

async function judge(mutant: Mutant, number: number): Promise<Outcome> {
  const directory = `${workshop}${number}/`;
  await cp(protocol, directory, { recursive: true, filter: (path) => !path.endsWith(".json") });
  await writeFile(`${directory}${mutant.file}`, mutant.text);
  const killedBy = await firstNotice(await load(directory), files[mutant.file] ?? []);
  const name = `${mutant.file}: ${mutant.was} -> ${mutant.now}`;
  return { mutant: name, line: mutant.line, ...(killedBy === undefined ? {} : { killedBy }) };
}

async function campaign(): Promise<readonly Outcome[]> {
  await rm(workshop, { recursive: true, force: true });
  await mkdir(workshop, { recursive: true });
  const all = [...new Set(Object.values(files).flat())];
  const broken = await firstNotice(product, all);
  if (broken !== undefined) throw new Error(`the product itself fails "${broken}"`);
  const outcomes: Outcome[] = [];
  for (const file of Object.keys(files)) {
    for (const mutant of mutantsOf(file, await readFile(`${protocol}${file}`, "utf8"))) {
      outcomes.push(await judge(mutant, outcomes.length));
    }
  }
  await rm(workshop, { recursive: true, force: true });
  return outcomes;
}

function line({ mutant, line: at, killedBy }: Outcome): string {
  const because = redundant[mutant] === undefined ? "SURVIVED" : `redundant: ${redundant[mutant]}`;
  return `${mutant} (line ${at})\n    ${killedBy === undefined ? because : `noticed by "${killedBy}"`}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const outcomes = await campaign();
  console.log(process.argv.includes("--json") ? JSON.stringify(outcomes) : outcomes.map(line).join("\n"));
  const survivors = outcomes.filter(({ killedBy }) => killedBy === undefined);
  if (!process.argv.includes("--json")) console.log(`${outcomes.length} mutants, ${survivors.length} not noticed`);
}
