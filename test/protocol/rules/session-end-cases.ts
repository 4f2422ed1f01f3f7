/** Verdicts on words that end one session or several: by its own key, their person or an administrator. */
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
  /** Sign-ins named beside `session`; the certificates go in the order of the names. */
  others?: TouchDraft[];
  /** How many certificates are left out at the end. */
  short: number;
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
    short: 0,
    now: NOW,
    body: { v: 1, workspace, person: "p-otto", at: NOW },
  };
  await change(draft, team);
  const certificates = [draft.session, ...(draft.others ?? [])]
    .map((touch) => ({ touch, bytes: encodeCanonical(touch.body) }))
    .map((one) => ({ ...one, named: digestOf("session", one.bytes) }))
    .toSorted((a, b) => (a.named < b.named ? -1 : 1));
  const names = certificates.map(({ named }) => named);
  const body = encodeCanonical({
    ...(names.length === 1 ? { session: names[0] } : { sessions: names }),
    ...draft.body,
  });
  const [successor] = await sealTouches(draft.successor === undefined ? [] : [draft.successor], nonceOf("earlier"));
  const [approval] = await sealTouches(draft.touch === undefined ? [] : [draft.touch], digestOf("session-end", body));
  const signature = await draft.signer.sign("session-end", body);
  const bySession = { kind: "session" as const, signature, ...(successor === undefined ? {} : { successor }) };
  const [first, ...others] = await Promise.all(
    certificates.map(({ touch, bytes }) => asserted(touch.passkey, "session", { body: bytes, knobs: touch.knobs })),
  );
  if (first === undefined) throw new TypeError("no sign-in");
  const rest = others.slice(0, others.length - draft.short);
  const end = {
    body: toBase64url(body),
    session: first,
    ...(rest.length === 0 ? {} : { others: rest }),
    by: approval === undefined ? bySession : { kind: "person" as const, approval },
  };
  const result = await modules.sessionEnd.verifySessionEnd(end, { trust: state, now: draft.now });
  if (result.kind === "refused") return result.code;
  const untils = result.ended.map(({ until }) => until - NOW).toSorted((a, b) => a - b);
  return `by ${result.by} until ${untils.join(" and ")}`;
}

/** Another sign-in of Otto's, ending later than the first; `change` bends it. */
async function also(
  draft: EndDraft,
  exp: number,
  change: (touch: TouchDraft) => void = () => undefined,
): Promise<void> {
  const { sessionKey: _key, ...body } = draft.session.body;
  const sessionKey = (await signerOf(`session until ${exp}`)).publicKey;
  const other: TouchDraft = { ...draft.session, knobs: {}, body: { ...body, sessionKey, exp: NOW + exp } };
  change(other);
  draft.others = [...(draft.others ?? []), other];
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

/** Several sign-ins of Otto's under one touch. */
const several =
  (name: "ada" | "otto" | "vera", change: Change = () => undefined): Change =>
  async (draft, team) => {
    await also(draft, 3_500);
    await also(draft, 3_400);
    await by(name)(draft, team);
    await change(draft, team);
  };

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
  ["several by their person's touch", "by p-otto until 3400 and 3500 and 3600", several("otto")],
  ["several by an administrator's touch", "by p-ada until 3400 and 3500 and 3600", several("ada")],
  ["several by somebody else's touch", "role", several("vera")],
  ["several by the key of one", "session_key", (d) => also(d, 3_500)],
  ["several without every sign-in", "malformed", several("ada", (d) => void (d.short = 1))],
  ["several in another order", "malformed", several("ada", unsorted)],
  ["several that are one twice", "malformed", several("ada", (d) => void (d.body["sessions"] = twice("one")))],
  ["several that are one", "malformed", several("ada", (d) => void (d.body["sessions"] = [nonceOf("one")]))],
  ["one and several", "malformed", several("ada", (d) => void (d.body["session"] = nonceOf("one")))],
  ["none", "malformed", (d) => void (d.body["session"] = undefined)],
  [
    "several, one of them over",
    "by p-ada until 3500 and 3600",
    several("ada", (d) => void (d.now = NOW + 3_400 + 301)),
  ],
  ["several, all of them over", "session_lifetime", several("ada", (d) => void (d.now = NOW + 3_600 + 301))],
  [
    "several, one of them of another person",
    "by p-ada until 3400 and 3500 and 3600",
    several("ada", (d, t) => also(d, 3_300, (touch) => void (touch.passkey = t.people.vera.passkey))),
  ],
  [
    "several, one without user verification",
    "by p-ada until 3400 and 3500 and 3600",
    several("ada", (d) => also(d, 3_300, (touch) => void (touch.knobs = { flags: 0x01 }))),
  ],
];

function twice(name: string): readonly string[] {
  return [nonceOf(name), nonceOf(name)];
}

function unsorted(draft: EndDraft): void {
  const names = [draft.session, ...(draft.others ?? [])].map(({ body }) => digestOf("session", encodeCanonical(body)));
  draft.body["sessions"] = names.toSorted().toReversed();
}

export const sessionEndCases: readonly RuleCase[] = rows.map(([name, expected, change]) => ({
  name: `session end: ${name}`,
  expected,
  run: (modules) => endVerdict(modules, change),
}));
