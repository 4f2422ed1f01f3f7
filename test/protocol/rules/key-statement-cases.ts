/** Verdicts on statements about keys and addresses: of machines, of the edge, of pages. */
import { toBase64url } from "../../../protocol/bytes.ts";
import type { BodyOf } from "../../../protocol/trust/statements.ts";
import { originFor } from "../../fixtures/authenticator.ts";
import { nonceOf, signerOf } from "../../fixtures/keys.ts";
import { pipelineKey, said as of, type Said, type Team } from "../../fixtures/team.ts";
import { DAILY_RP_ID, NOW, SIGNER_RP_ID } from "../../fixtures/workspace.ts";
import type { RuleCase } from "./cases.ts";
import { after, one, rowsAsCases, two, type Attempt, type Row } from "./statement-cases.ts";

const listed = (origin: string, rpId: string, serves: "signer" | "daily" = "daily"): Said =>
  of("origin.add", { origin, rpId, class: serves });
const LOW_ORDER = toBase64url(new Uint8Array([1, ...new Uint8Array(31)]));

const machine = async (team: Team, members: Partial<BodyOf<"automation-key.add">> = {}): Promise<Said> => {
  const { publicKey } = await signerOf("second pipeline");
  return of("automation-key.add", { ...pipelineKey(publicKey, team.host), id: "k-second", ...members });
};

const keys: readonly Row[] = [
  ["automation-key.add by two", "ok", async (t) => [await machine(t), two]],
  ["automation-key.add by one", "people", async (t) => [await machine(t), one]],
  ["automation-key.add, id taken", "exists", async (t) => [await machine(t, { id: t.automation.id }), two]],
  [
    "automation-key.add, key granted already",
    "exists",
    async (t) => [await machine(t, { publicKey: t.automation.signer.publicKey }), two],
  ],
  [
    "automation-key.add, revoked before",
    "exists",
    async (t) => [
      await machine(t, { id: t.automation.id }),
      { ...two, state: await after(t, [of("automation-key.revoke", { automationKey: t.automation.id })]) },
    ],
  ],
  ["automation-key.add of small order", "key", async (t) => [await machine(t, { publicKey: LOW_ORDER }), two]],
  ["automation-key.add until now", "term", async (t) => [await machine(t, { until: NOW }), two]],
  [
    "automation-key.add until the last second that may be",
    "ok",
    async (t) => [await machine(t, { until: NOW + 90 * 86_400 }), two],
  ],
  [
    "automation-key.add until a second later",
    "term",
    async (t) => [await machine(t, { until: NOW + 90 * 86_400 + 1 }), two],
  ],
  ["automation-key.add without operations", "malformed", async (t) => [await machine(t, { operations: [] }), two]],
  [
    "automation-key.add without a rate",
    "malformed",
    async (t) => [await machine(t, { rate: { commands: 0, seconds: 60 } }), two],
  ],
  ["origin.add, a new name of the edge", "ok", () => [listed("https://clawhold.example", "clawhold.example"), two]],
  ["origin.add by one", "people", () => [listed("https://clawhold.example", "clawhold.example"), one]],
  ["origin.add with a port", "ok", () => [listed("https://clawhold.example:8443", "clawhold.example"), two]],
  ["origin.add, listed already", "exists", () => [listed(originFor(DAILY_RP_ID), DAILY_RP_ID), two]],
  [
    "origin.add, revoked before",
    "revoked",
    async (t) => [
      listed(originFor(DAILY_RP_ID), DAILY_RP_ID),
      { ...two, state: await after(t, [of("origin.revoke", { origin: originFor(DAILY_RP_ID) })]) },
    ],
  ],
  [
    "origin.add, a signer's name served by the edge",
    "name_class",
    () => [listed(`http://${SIGNER_RP_ID}:9000`, SIGNER_RP_ID), two],
  ],
  [
    "origin.add, the edge's name as a signer",
    "name_class",
    () => [listed(`https://${DAILY_RP_ID}:8443`, DAILY_RP_ID, "signer"), two],
  ],
  [
    "origin.add, another port of a signer's name",
    "ok",
    () => [listed(`http://${SIGNER_RP_ID}:9000`, SIGNER_RP_ID, "signer"), two],
  ],
  [
    "origin.add, a second signer's name",
    "ok",
    () => [listed("http://other.localhost", "other.localhost", "signer"), two],
  ],
  [
    "origin.add, a signer that somebody else could serve",
    "name_class",
    () => [listed("https://signer.example", "signer.example", "signer"), two],
  ],
  [
    "origin.add, another name's address",
    "name_class",
    () => [listed("https://other.example", "clawhold.example"), two],
  ],
  [
    "origin.add, an address below the name",
    "name_class",
    () => [listed("https://www.clawhold.example", "clawhold.example"), two],
  ],
  [
    "origin.add, a name whose dots are something else",
    "name_class",
    () => [listed("https://clawholdxexample", "clawhold.example"), two],
  ],
  [
    "dispatch-key.rotate by one",
    "ok",
    async () => [of("dispatch-key.rotate", { key: (await signerOf("d2")).publicKey }), one],
  ],
  ["dispatch-key.rotate of small order", "key", () => [of("dispatch-key.rotate", { key: LOW_ORDER }), one]],
  [
    "dispatch-key.rotate by an operator",
    "role",
    async () => [of("dispatch-key.rotate", { key: (await signerOf("d2")).publicKey }), { by: ["otto"] }],
  ],
  [
    "ledger-key.rotate by one",
    "ok",
    async () => [of("ledger-key.rotate", { key: (await signerOf("l2")).publicKey }), one],
  ],
  ["ledger-key.rotate of small order", "key", () => [of("ledger-key.rotate", { key: LOW_ORDER }), one]],
  ["root.rotate by two", "ok", () => rotation()],
  ["root.rotate by one", "people", async () => [(await rotation())[0], one]],
  ["root.rotate, dispatch key of small order", "key", () => rotation({ dispatchKey: LOW_ORDER })],
  ["root.rotate, ledger key of small order", "key", () => rotation({ ledgerKey: LOW_ORDER })],
  ["fork.resolve by two, where nobody saw a fork", "ok", () => [of("fork.resolve", { keep: nonceOf("k") }), two]],
  ["fork.resolve by one", "people", () => [of("fork.resolve", { keep: nonceOf("k") }), one]],
];

async function rotation(members: Partial<BodyOf<"root.rotate">> = {}): Promise<readonly [Said, Attempt]> {
  const [dispatch, ledger] = [await signerOf("d2"), await signerOf("l2")];
  return [of("root.rotate", { dispatchKey: dispatch.publicKey, ledgerKey: ledger.publicKey, ...members }), two];
}

export const keyStatementCases: readonly RuleCase[] = rowsAsCases(keys);
