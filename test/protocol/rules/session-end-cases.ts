/** Verdicts on words that end a session: by its own key, its person or an administrator. */
import { toBase64url } from "../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../protocol/canonical.ts";
import { digestOf, type Signer } from "../../../protocol/signing.ts";
import { draftCommand, sealTouches, type TouchDraft } from "../../fixtures/command.ts";
import { nonceOf, signerOf } from "../../fixtures/keys.ts";
import type { Team } from "../../fixtures/team.ts";
import { asserted, NOW, type Fields } from "../../fixtures/workspace.ts";
import type { Modules, RuleCase } from "./cases.ts";
import { sharedTeam } from "./team-commands.ts";

interface EndDraft {
  session: TouchDraft;
  body: Fields;
  /** The session's own key, or whoever signs instead. */
  signer: Signer;
  successor?: TouchDraft;
  /** Somebody's touch in place of a signature. */
  touch?: TouchDraft;
  now: number;
}

type Change = (draft: EndDraft, team: Team) => void | Promise<void>;

async function endVerdict(modules: Modules, change: Change): Promise<string> {
  const team = await sharedTeam();
  const { workspace, keys, state } = team;
  const { session } = draftCommand(team);
  session.passkey = team.people.otto.passkey;
  const draft: EndDraft = {
    session,
    signer: keys.session,
    now: NOW,
    body: { v: 1, workspace, person: "p-otto", at: NOW },
  };
  await change(draft, team);
  const certificate = encodeCanonical(session.body);
  const named = digestOf("session", certificate);
  const body = encodeCanonical({ session: named, ...draft.body });
  const [successor] = await sealTouches(draft.successor === undefined ? [] : [draft.successor], nonceOf("earlier"));
  const [approval] = await sealTouches(draft.touch === undefined ? [] : [draft.touch], digestOf("session-end", body));
  const signature = await draft.signer.sign("session-end", body);
  const bySession = { kind: "session" as const, signature, ...(successor === undefined ? {} : { successor }) };
  const end = {
    body: toBase64url(body),
    session: await asserted(session.passkey, "session", { body: certificate, knobs: session.knobs }),
    by: approval === undefined ? bySession : { kind: "person" as const, approval },
  };
  const result = await modules.sessionEnd.verifySessionEnd(end, { trust: state, now: draft.now });
  return result.kind === "accepted" ? `by ${result.by} until ${result.until - NOW}` : result.code;
}

/** A person's touch over the end. */
const by =
  (
    name: "ada" | "otto" | "vera",
    { daily = false, members = {} }: { daily?: boolean; members?: Fields } = {},
  ): Change =>
  (draft, { workspace, people }) => {
    const body = { v: 1, workspace, kind: "session-end", decision: "approve", at: NOW, ...members };
    draft.touch = { passkey: daily ? people[name].daily : people[name].passkey, knobs: {}, body };
  };

async function succeed(draft: EndDraft, { workspace, people }: Team, session?: string): Promise<void> {
  const next = await signerOf("next session key");
  const named = session ?? digestOf("session", encodeCanonical(draft.session.body));
  const nextSessionKey = { session: named, key: next.publicKey };
  const body = { v: 1, workspace, kind: "intent", decision: "approve", after: 1, nextSessionKey };
  draft.successor = { passkey: people.otto.passkey, knobs: {}, body };
  draft.signer = next;
}

const OTTOS = "by p-otto until 3600";

const rows: readonly (readonly [string, string, Change])[] = [
  ["by its own key", OTTOS, () => undefined],
  ["by its successor key", OTTOS, (d, t) => succeed(d, t)],
  ["by the successor of another session", "session_key", (d, t) => succeed(d, t, nonceOf("another session"))],
  ["by its person's touch", OTTOS, by("otto")],
  ["by its person's touch on a page of the edge", OTTOS, by("otto", { daily: true })],
  ["by an administrator's touch", "by p-ada until 3600", by("ada")],
  ["by an administrator's touch on a page of the edge", "by p-ada until 3600", by("ada", { daily: true })],
  ["by somebody else's touch", "role", by("vera")],
  ["by another key", "session_key", (d, t) => void (d.signer = t.keys.stranger)],
  ["a foreign member", "malformed", (d) => void (d.body["foreign"] = 1)],
  ["of another workspace", "workspace", (d) => void (d.body["workspace"] = nonceOf("other"))],
  ["of another session", "session_key", (d) => void (d.body["session"] = nonceOf("another session"))],
  ["of another person", "people", (d) => void (d.body["person"] = "p-ada")],
  [
    "without the sign-in's user verification",
    "session.user_verification",
    (d) => void (d.session.knobs = { flags: 0x01 }),
  ],
  ["a malformed sign-in", "session_malformed", (d) => void (d.session.body["foreign"] = 1)],
  ["of a session that is over anyway", "session_lifetime", (d) => void (d.now = NOW + 3_600 + 301)],
  ["a malformed touch", "approval_malformed", by("ada", { members: { foreign: 1 } })],
  ["a touch for another workspace", "approval_subject", by("ada", { members: { workspace: nonceOf("other") } })],
  ["a touch for another end", "approval_subject", by("ada", { members: { subject: nonceOf("another end") } })],
  ["a touch for a statement", "approval_subject", by("ada", { members: { kind: "statement" } })],
  ["a touch for an edge action", "approval_subject", by("ada", { members: { kind: "edge-action" } })],
  [
    "a touch without user verification",
    "approval.user_verification",
    async (d, t) => {
      await by("ada")(d, t);
      if (d.touch !== undefined) d.touch.knobs = { flags: 0x01 };
    },
  ],
];

export const sessionEndCases: readonly RuleCase[] = rows.map(([name, expected, change]) => ({
  name: `session end: ${name}`,
  expected,
  run: (modules) => endVerdict(modules, change),
}));
