/** Verdicts on a request for a challenge, which edge and host judge with one function. */
import { toBase64url } from "../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../protocol/canonical.ts";
import { digestOf, type Signer } from "../../../protocol/signing.ts";
import { draftCommand, OPERATION, type TouchDraft } from "../../fixtures/command.ts";
import { nonceOf, signed } from "../../fixtures/keys.ts";
import { asserted, NOW, type Fields, type Name, type World } from "../../fixtures/workspace.ts";
import type { Modules, RuleCase } from "./cases.ts";
import { sharedWorld } from "./envelope-cases.ts";

interface PrepareDraft {
  body: Fields;
  signer: Signer;
  session: TouchDraft;
}

async function prepareVerdict(modules: Modules, change: (draft: PrepareDraft, world: World) => void): Promise<string> {
  const world = await sharedWorld();
  const { session } = draftCommand(world);
  const { workspace, host, keys, state } = world;
  const draft: PrepareDraft = {
    session,
    signer: keys.session,
    body: { v: 1, workspace, host, operation: OPERATION, jti: nonceOf("prepare") },
  };
  change(draft, world);
  const sessionBytes = encodeCanonical(session.body);
  const body = encodeCanonical({ actor: { session: digestOf("session", sessionBytes) }, ...draft.body });
  const result = await modules.verify.verifyPrepare(
    {
      signed: await signed(draft.signer, "prepare", body),
      session: await asserted(session.passkey, "session", { body: sessionBytes, knobs: session.knobs }),
    },
    { trust: state, now: NOW, host, isSessionEnded: () => false },
  );
  const named = result.digest === digestOf("prepare", body) ? "" : " of something else";
  const accepted = result.kind === "accepted" && toBase64url(encodeCanonical(result.prepare)) === toBase64url(body);
  return `${accepted ? `accepted ${result.author.id}` : result.kind === "refused" ? result.code : "changed"}${named}`;
}

const body =
  (fields: Fields) =>
  (draft: PrepareDraft): void => {
    Object.assign(draft.body, fields);
  };
const by =
  (name: Name) =>
  (draft: PrepareDraft, { people }: World): void => {
    draft.session.passkey = people[name].passkey;
  };

const rows: readonly (readonly [string, string, (draft: PrepareDraft, world: World) => void])[] = [
  ["honest", "accepted p-ada", () => undefined],
  ["honest operator", "accepted p-otto", by("otto")],
  ["a foreign member", "malformed", body({ foreign: 1 })],
  ["another workspace", "workspace", body({ workspace: nonceOf("other") })],
  ["another host", "target", body({ host: "h-elsewhere" })],
  ["malformed session", "session_malformed", (d) => void (d.session.body["foreign"] = 1)],
  ["session of another workspace", "session_workspace", (d) => void (d.session.body["workspace"] = nonceOf("x"))],
  ["sign-in without user verification", "session.user_verification", (d) => void (d.session.knobs = { flags: 0x01 })],
  ["session of another page", "session.origin", (d) => void (d.session.body["origin"] = "https://daily.example")],
  [
    "ended session",
    "session_lifetime",
    (d) => void Object.assign(d.session.body, { iat: NOW - 4_000, exp: NOW - 301 }),
  ],
  ["another session's name", "session_key", body({ actor: { session: nonceOf("other") } })],
  ["signed by another key", "session_key", (d, { keys }) => void (d.signer = keys.stranger)],
  ["unknown operation", "operation", body({ operation: "gateway.unknown@1" })],
  ["a role without the permission", "role", by("vera")],
  ["a role for another host", "host_scope", by("scot")],
];

export const prepareCases: readonly RuleCase[] = rows.map(([name, expected, change]) => ({
  name: `prepare: ${name}`,
  expected,
  run: (modules) => prepareVerdict(modules, change),
}));
