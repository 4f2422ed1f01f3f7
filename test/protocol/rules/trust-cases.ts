/** Verdicts on roots (root-cases.ts) and statements: each kind applied, each refusal alone, and the order where it matters. */
import { concatBytes, fromBase64url, toBase64url } from "../../../protocol/bytes.ts";
import type { TrustState } from "../../../protocol/trust/state.ts";
import type { SignedStatement, Statement, StatementKind } from "../../../protocol/trust/statements.ts";
import { hostIdOf } from "../../../protocol/words.ts";
import { createCredential } from "../../fixtures/authenticator.ts";
import { laxP256 } from "../../fixtures/der.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import {
  applied,
  DAILY_RP_ID,
  hostBodyOf,
  makeWorld,
  stated,
  type StatementDraft,
  type World,
} from "../../fixtures/workspace.ts";
import { once, type Modules, type RuleCase } from "./cases.ts";
import { rootCases } from "./root-cases.ts";

const world = once(() => makeWorld());
/** Encoding of the neutral element: everybody's signature verifies under it. */
const LOW_ORDER = toBase64url(concatBytes(Uint8Array.of(1), new Uint8Array(31)));

type BodyOf<K extends StatementKind> = Extract<Statement, { kind: K }>["body"];

interface StatementBend<K extends StatementKind = StatementKind> {
  readonly kind: K;
  readonly body: BodyOf<K>;
  readonly change?: (draft: StatementDraft, world: World) => void;
  readonly after?: (signed: SignedStatement) => SignedStatement;
  readonly state?: TrustState;
}

async function statementVerdict(
  modules: Modules,
  make: (world: World) => StatementBend | Promise<StatementBend>,
): Promise<string> {
  const made = await world();
  const { kind, body, change, after, state = made.state } = await make(made);
  const by = made.people.ada.passkey;
  const signed = await stated({ state, by }, { kind, body }, (draft) => change?.(draft, made));
  const result = await modules.apply.applyStatement(state, after?.(signed) ?? signed);
  return result.ok ? "ok" : result.code;
}

const newPerson = { id: "p-new", name: nonceOf("new"), roles: ["viewer"] };
const bent = (change: StatementBend["change"]) => (): StatementBend => ({
  kind: "person.add",
  body: newPerson,
  ...(change === undefined ? {} : { change }),
});
const fields = (fieldsOf: (world: World) => object) =>
  bent((draft, made) => {
    Object.assign(draft.statement, fieldsOf(made));
  });
const approval = (fieldsOf: object) =>
  bent((draft) => {
    Object.assign(draft.approval, fieldsOf);
  });

const general: readonly (readonly [string, string, (world: World) => StatementBend | Promise<StatementBend>])[] = [
  ["a foreign member", "malformed", fields(() => ({ foreign: 1 }))],
  ["an unknown kind", "malformed", fields(() => ({ kind: "person.remove" }))],
  ["another kind's body", "malformed", fields(() => ({ kind: "host.remove" }))],
  ["another workspace", "workspace", fields(() => ({ workspace: nonceOf("other") }))],
  ["a place further on", "place", fields(({ state }) => ({ prev: { n: state.head.n + 1, hash: state.head.hash } }))],
  ["a place already taken", "place", fields(({ state }) => ({ prev: { n: state.head.n - 1, hash: state.head.hash } }))],
  ["another branch", "place", fields(({ state }) => ({ prev: { n: state.head.n, hash: nonceOf("other") } }))],
  ["other revocations", "revocations", fields(() => ({ revoked: nonceOf("other") }))],
  ["malformed approval", "malformed", approval({ foreign: 1 })],
  [
    "a command's approval",
    "approval",
    bent((draft) => {
      const { at: _, ...rest } = draft.approval;
      draft.approval = { ...rest, kind: "intent", after: 1 };
    }),
  ],
  ["approval of another workspace", "approval", approval({ workspace: nonceOf("other") })],
  ["approval of another statement", "approval", approval({ subject: nonceOf("other") })],
  [
    "no approval",
    "approval",
    (): StatementBend => ({ kind: "person.add", body: newPerson, after: (s) => ({ ...s, approvals: [] }) }),
  ],
  [
    "touch without user verification",
    "assertion",
    bent((draft) => {
      draft.knobs = { flags: 0x01 };
    }),
  ],
  [
    "touch of an unknown passkey",
    "assertion",
    bent((draft) => {
      draft.knobs = { credentialId: nonceOf("x") };
    }),
  ],
  [
    "touch in a foreign frame",
    "assertion",
    bent((draft) => {
      draft.knobs = { crossOrigin: true };
    }),
  ],
  [
    "touch on a page of the edge",
    "origin",
    bent((draft, { people }) => {
      draft.by = people.ada.daily;
    }),
  ],
  [
    "touch of an operator",
    "role",
    bent((draft, { people }) => {
      draft.by = people.otto.passkey;
    }),
  ],
  [
    "touch of somebody without a role",
    "role",
    bent((draft, { people }) => {
      draft.by = people.nora.passkey;
    }),
  ],
  [
    "two approvals, the second by an operator",
    "role",
    async (made): Promise<StatementBend> => {
      const second = await stated(
        { state: made.state, by: made.people.otto.passkey },
        { kind: "person.add", body: newPerson },
      );
      return {
        kind: "person.add",
        body: newPerson,
        after: (s) => ({ ...s, approvals: [...s.approvals, ...second.approvals] }),
      };
    },
  ],
];

/** Removes every administrator's signer passkey but keeps her daily one. */
function withoutSignerPasskeys(state: TrustState, kept: string): TrustState {
  const credentials = new Map([...state.credentials].filter(([, c]) => c.person !== kept || c.rpId === DAILY_RP_ID));
  return { ...state, credentials, chain: { ...state.chain, credentials } };
}

const kinds: readonly (readonly [string, string, (world: World) => StatementBend | Promise<StatementBend>])[] = [
  ["person.add", "ok", bent(undefined)],
  ["person.add without a role", "ok", (): StatementBend => ({ kind: "person.add", body: { ...newPerson, roles: [] } })],
  [
    "person.add, id taken",
    "exists",
    (): StatementBend => ({ kind: "person.add", body: { ...newPerson, id: "p-otto" } }),
  ],
  [
    "person.add, unknown role",
    "unknown",
    (): StatementBend => ({ kind: "person.add", body: { ...newPerson, roles: ["viewer", "owner"] } }),
  ],
  [
    "credential.add",
    "ok",
    async (): Promise<StatementBend> => ({
      kind: "credential.add",
      body: { person: "p-otto", ...(await createCredential()).pinned },
    }),
  ],
  [
    "credential.add, Ed25519",
    "ok",
    async (): Promise<StatementBend> => ({
      kind: "credential.add",
      body: { person: "p-otto", ...(await createCredential({ alg: "Ed25519" })).pinned },
    }),
  ],
  [
    "credential.add for nobody",
    "unknown",
    async (): Promise<StatementBend> => ({
      kind: "credential.add",
      body: { person: "p-nobody", ...(await createCredential()).pinned },
    }),
  ],
  [
    "credential.add, id taken by another person",
    "exists",
    ({ people }): StatementBend => ({
      kind: "credential.add",
      body: { person: "p-otto", ...people.ada.passkey.pinned },
    }),
  ],
  [
    "credential.add, name not listed",
    "unknown",
    async (): Promise<StatementBend> => ({
      kind: "credential.add",
      body: { person: "p-otto", ...(await createCredential({ rpId: "unlisted.example" })).pinned },
    }),
  ],
  ...Object.entries(laxP256).map(
    ([name, bend]) =>
      [
        `credential.add, P-256 key with ${name}`,
        "key",
        async (): Promise<StatementBend> => {
          const { pinned } = await createCredential();
          const publicKey = toBase64url(bend(fromBase64url(pinned.publicKey)));
          return { kind: "credential.add", body: { person: "p-otto", ...pinned, publicKey } };
        },
      ] as const,
  ),
  [
    "credential.add, RS256 of 1024 bits",
    "key",
    async (): Promise<StatementBend> => ({
      kind: "credential.add",
      body: { person: "p-otto", ...(await createCredential({ alg: "RS256", rsaBits: 1024 })).pinned },
    }),
  ],
  [
    "credential.add, low-order key",
    "key",
    async (): Promise<StatementBend> => ({
      kind: "credential.add",
      body: { person: "p-otto", ...(await createCredential({ alg: "Ed25519" })).pinned, publicKey: LOW_ORDER },
    }),
  ],
  [
    "role.assign",
    "ok",
    (): StatementBend => ({ kind: "role.assign", body: { person: "p-otto", roles: ["viewer", "admin"] } }),
  ],
  [
    "role.assign, all taken away",
    "ok",
    (): StatementBend => ({ kind: "role.assign", body: { person: "p-otto", roles: [] } }),
  ],
  [
    "role.assign to nobody",
    "unknown",
    (): StatementBend => ({ kind: "role.assign", body: { person: "p-nobody", roles: ["viewer"] } }),
  ],
  [
    "role.assign, unknown role",
    "unknown",
    (): StatementBend => ({ kind: "role.assign", body: { person: "p-otto", roles: ["owner"] } }),
  ],
  [
    "role.assign, the last administrator",
    "last_admin",
    (): StatementBend => ({ kind: "role.assign", body: { person: "p-ada", roles: ["viewer"] } }),
  ],
  [
    "role.assign, the last administrator who has a signer passkey",
    "last_admin",
    async (made): Promise<StatementBend> => {
      const statement = await stated(
        { state: made.state, by: made.people.ada.passkey },
        { kind: "role.assign", body: { person: "p-otto", roles: ["admin"] } },
      );
      const state = withoutSignerPasskeys(await applied(made.state, statement), "p-otto");
      return { kind: "role.assign", body: { person: "p-ada", roles: ["viewer"] }, state };
    },
  ],
  ["host.admit", "ok", async (): Promise<StatementBend> => ({ kind: "host.admit", body: await hostBodyOf("second") })],
  ["host.admit, already here", "exists", ({ hostBody }): StatementBend => ({ kind: "host.admit", body: hostBody })],
  [
    "host.admit, id of another key",
    "key",
    async ({ hostBody }): Promise<StatementBend> => ({
      kind: "host.admit",
      body: { ...(await hostBodyOf("second")), hostKey: hostBody.hostKey },
    }),
  ],
  [
    "host.admit, low-order host key",
    "key",
    (): StatementBend => ({
      kind: "host.admit",
      body: { host: hostIdOf(LOW_ORDER), hostKey: LOW_ORDER, cosignKey: nonceOf("x"), label: "weak", colocated: false },
    }),
  ],
  [
    "host.admit, low-order cosignature key",
    "key",
    async (): Promise<StatementBend> => ({
      kind: "host.admit",
      body: { ...(await hostBodyOf("second")), cosignKey: LOW_ORDER },
    }),
  ],
  ["host.remove", "ok", ({ host }): StatementBend => ({ kind: "host.remove", body: { host } })],
  ["host.remove, unknown", "unknown", (): StatementBend => ({ kind: "host.remove", body: { host: "h-unknown" } })],
  [
    "host.admit again after host.remove",
    "exists",
    async (made): Promise<StatementBend> => {
      const removal = await stated(
        { state: made.state, by: made.people.ada.passkey },
        { kind: "host.remove", body: { host: made.host } },
      );
      return { kind: "host.admit", body: made.hostBody, state: await applied(made.state, removal) };
    },
  ],
];

export const trustCases: readonly RuleCase[] = [
  ...rootCases,
  ...[...general, ...kinds].map(([name, expected, make]): RuleCase => ({
    name: `statement: ${name}`,
    expected,
    run: (m) => statementVerdict(m, make),
  })),
];
