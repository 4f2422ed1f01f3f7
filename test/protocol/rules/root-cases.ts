/** Verdicts on roots: each refusal alone. */
import { toBase64url } from "../../../protocol/bytes.ts";
import type { RootPin } from "../../../protocol/trust/apply.ts";
import type { SignedRoot } from "../../../protocol/trust/statements.ts";
import { createCredential, originFor } from "../../fixtures/authenticator.ts";
import { flipBase64url, nonceOf, signerOf } from "../../fixtures/keys.ts";
import { DAILY_RP_ID, makeRoot, SIGNER_RP_ID, type RootDraft } from "../../fixtures/workspace.ts";
import type { Modules, RuleCase } from "./cases.ts";

/** Encoding of the neutral element: everybody's signature verifies under it. */
const LOW_ORDER = toBase64url(new Uint8Array([1, ...new Uint8Array(31)]));

interface RootBend {
  readonly change?: (draft: RootDraft) => void | Promise<void>;
  readonly pin?: (honest: Required<RootPin>) => RootPin;
  readonly after?: (signed: SignedRoot) => SignedRoot;
}

async function rootVerdict(modules: Modules, { change, pin, after }: RootBend): Promise<string> {
  const made = await makeRoot(change);
  const honest = { setupKey: made.setupKey, workspace: made.workspace };
  const result = await modules.apply.applyRoot(after?.(made.signed) ?? made.signed, pin?.(honest) ?? honest);
  return result.ok ? "ok" : result.code;
}

const origin = (rpId: string, listed: "signer" | "daily", port = 8443) => ({
  origin: `http://${rpId}:${port}`,
  rpId,
  class: listed,
});
const role = (id: string, permissions: readonly string[]) => ({ id, permissions, hosts: ["all"], sessionSeconds: 600 });
const members = (draft: RootDraft, fields: object): void => {
  Object.assign(draft.root, fields);
};

const roots: readonly (readonly [string, string, RootBend])[] = [
  ["honest", "ok", {}],
  ["pinned by its setup key only", "ok", { pin: ({ setupKey }) => ({ setupKey }) }],
  ["pinned by its id only", "ok", { pin: ({ workspace }) => ({ workspace }) }],
  [
    "a foreign member",
    "malformed",
    {
      change: (d) => {
        members(d, { foreign: 1 });
      },
    },
  ],
  [
    "a foreign member in the session",
    "malformed",
    {
      change: (d) => {
        d.session["foreign"] = 1;
      },
    },
  ],
  ["pinned to another workspace", "workspace", { pin: ({ setupKey }) => ({ setupKey, workspace: nonceOf("other") }) }],
  ["pinned to another setup key", "setup_key", { pin: ({ workspace }) => ({ setupKey: workspace }) }],
  [
    "signed by another setup key",
    "setup_key",
    {
      change: async (d) => {
        d.signer = await signerOf("stranger");
      },
    },
  ],
  [
    "setup signature with a bit changed",
    "setup_key",
    { after: (s) => ({ ...s, setupSignature: flipBase64url(s.setupSignature) }) },
  ],
  [
    "first sign-in for another workspace",
    "session",
    {
      change: (d) => {
        d.session["workspace"] = nonceOf("other");
      },
    },
  ],
  [
    "first sign-in without user verification",
    "assertion",
    {
      change: (d) => {
        d.knobs = { flags: 0x01 };
      },
    },
  ],
  [
    "first sign-in by a passkey that is not in the root",
    "assertion",
    {
      change: (d) => {
        d.knobs = { credentialId: nonceOf("x") };
      },
    },
  ],
  [
    "first sign-in on a page of the edge",
    "origin",
    {
      change: async (d) => {
        const { admin } = d;
        d.admin = await createCredential({ rpId: DAILY_RP_ID });
        members(d, { credentials: [admin.pinned, d.admin.pinned] });
        d.session["origin"] = originFor(DAILY_RP_ID);
      },
    },
  ],
  [
    "first sign-in that names another page than the touch",
    "origin",
    {
      change: (d) => {
        d.session["origin"] = "https://daily.example";
      },
    },
  ],
  [
    "a passkey twice",
    "exists",
    {
      change: (d) => {
        members(d, { credentials: [d.admin.pinned, d.admin.pinned] });
      },
    },
  ],
  [
    "an origin twice",
    "exists",
    {
      change: (d) => {
        members(d, { origins: [origin(SIGNER_RP_ID, "signer"), origin(SIGNER_RP_ID, "signer")] });
      },
    },
  ],
  [
    "a name that is signer and daily",
    "exists",
    {
      change: (d) => {
        members(d, { origins: [origin(SIGNER_RP_ID, "signer"), origin(SIGNER_RP_ID, "daily", 9_000)] });
      },
    },
  ],
  [
    "an address that is not exactly its name's",
    "name_class",
    {
      change: (d) => {
        members(d, {
          origins: [
            { ...origin(SIGNER_RP_ID, "signer"), origin: `http://below.${SIGNER_RP_ID}:8443` },
            origin(SIGNER_RP_ID, "signer"),
          ],
        });
      },
    },
  ],
  [
    "a role twice",
    "exists",
    {
      change: (d) => {
        members(d, { roles: [role("admin", ["workspace.administer"]), role("admin", [])] });
      },
    },
  ],
  [
    "a passkey for a name that is not listed",
    "unknown",
    {
      change: (d) => {
        members(d, {
          credentials: [d.admin.pinned, { ...d.admin.pinned, credentialId: nonceOf("x"), rpId: "unlisted.example" }],
        });
      },
    },
  ],
  [
    "a low-order dispatch key",
    "key",
    {
      change: (d) => {
        members(d, { dispatchKey: LOW_ORDER });
      },
    },
  ],
  [
    "a low-order ledger key",
    "key",
    {
      change: (d) => {
        members(d, { ledgerKey: LOW_ORDER });
      },
    },
  ],
  [
    "a low-order passkey",
    "key",
    {
      change: (d) => {
        const weak = { ...d.admin.pinned, credentialId: nonceOf("x"), alg: "Ed25519", publicKey: LOW_ORDER };
        members(d, { credentials: [d.admin.pinned, weak] });
      },
    },
  ],
  [
    "no role of an administrator",
    "last_admin",
    {
      change: (d) => {
        members(d, { roles: [role("viewer", ["metadata.read"])] });
      },
    },
  ],
  [
    "an administrator's role without its permission",
    "last_admin",
    {
      change: (d) => {
        members(d, { roles: [role("admin", ["metadata.read"])] });
      },
    },
  ],
];

export const rootCases: readonly RuleCase[] = roots.map(([name, expected, bend]) => ({
  name: `root: ${name}`,
  expected,
  run: (m) => rootVerdict(m, bend),
}));
