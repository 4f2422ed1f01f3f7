/** Verdicts on questions to a host: each rule alone, in the order in which a host asks them. */
import * as v from "valibot";
import { encodeCanonical } from "../../../protocol/canonical.ts";
import { READ_SKEW_SECONDS } from "../../../protocol/limits.ts";
import { reads } from "../../../protocol/reads.ts";
import { digestOf, type Signer } from "../../../protocol/signing.ts";
import type { ReadView } from "../../../protocol/verify/read.ts";
import { draftCommand, type TouchDraft } from "../../fixtures/command.ts";
import { nonceOf, signed } from "../../fixtures/keys.ts";
import { asserted, NOW, type Fields, type Name, type World } from "../../fixtures/workspace.ts";
import type { Modules, RuleCase } from "./cases.ts";
import { sharedWorld } from "./envelope-cases.ts";

export interface ReadDraft {
  body: Fields;
  signer: Signer;
  session: TouchDraft;
  view: Partial<ReadView>;
}

export interface ReadRule {
  /** `refused x` until the session's signature verified, `denied x` from then on. */
  readonly expected: string;
  readonly edge: boolean;
  readonly break: (draft: ReadDraft, world: World) => void;
}

async function readOf(change: (draft: ReadDraft, world: World) => void) {
  const world = await sharedWorld();
  const { session } = draftCommand(world);
  const { workspace, host, keys, state } = world;
  const draft: ReadDraft = {
    session,
    signer: keys.session,
    body: {
      v: 1,
      workspace,
      host,
      operation: "content.transcript@1",
      args: { session: "s-0123456789abcdef" },
      replyKey: nonceOf("reply key"),
      trustHead: state.head,
      iat: NOW,
      jti: nonceOf("read"),
    },
    view: {},
  };
  change(draft, world);
  const sessionBytes = encodeCanonical(session.body);
  const body = encodeCanonical({ session: digestOf("session", sessionBytes), ...draft.body });
  const view: ReadView = {
    trust: state,
    now: NOW,
    host,
    isSessionEnded: () => false,
    isRepeated: () => false,
    isGranted: (of, kind, args) =>
      of === digestOf("session", sessionBytes) && kind === "transcripts" && v.is(transcript, args),
    denies: () => false,
    ...draft.view,
  };
  const asked = {
    signed: await signed(draft.signer, "read", body),
    session: await asserted(session.passkey, "session", { body: sessionBytes, knobs: session.knobs }),
  };
  return { asked, view, digest: digestOf("read", body) };
}

const transcript = reads["content.transcript@1"].args;

type Judge = "verifyRead" | "verifyReadAtEdge";

export async function readVerdict(
  modules: Modules,
  judge: Judge,
  change: (draft: ReadDraft, world: World) => void,
): Promise<string> {
  const { asked, view, digest } = await readOf(change);
  const verdict = await modules.read[judge](asked, view);
  const named = verdict.kind === "verified" ? verdict.read.digest : verdict.digest;
  const word = verdict.kind === "verified" ? `verified ${verdict.read.person}` : `${verdict.kind} ${verdict.code}`;
  return named === digest ? word : `${word} of something else`;
}

const body =
  (fields: Fields) =>
  (draft: ReadDraft): void => {
    Object.assign(draft.body, fields);
  };
const view =
  (facts: Partial<ReadView>) =>
  (draft: ReadDraft): void => {
    draft.view = { ...draft.view, ...facts };
  };
const by =
  (name: Name) =>
  (draft: ReadDraft, { people }: World): void => {
    draft.session.passkey = people[name].passkey;
  };

export const readRules: readonly ReadRule[] = [
  { expected: "refused malformed", edge: true, break: body({ foreign: 1 }) },
  { expected: "refused workspace", edge: true, break: body({ workspace: nonceOf("other") }) },
  { expected: "refused target", edge: true, break: body({ host: "h-elsewhere" }) },
  {
    expected: "refused trust_frozen",
    edge: true,
    break: (d, { state }) => {
      const frozen = { reason: "fork", place: 1, mine: nonceOf("mine"), other: nonceOf("other") } as const;
      view({ trust: { ...state, frozen } })(d);
    },
  },
  {
    expected: "refused trust_behind",
    edge: true,
    break: (d, { state }) => body({ trustHead: { ...state.head, n: state.head.n + 1 } })(d),
  },
  {
    expected: "refused session.user_verification",
    edge: true,
    break: (d) => void (d.session.knobs = { flags: 0x01 }),
  },
  {
    expected: "refused session_lifetime",
    edge: true,
    break: (d) => void Object.assign(d.session.body, { iat: NOW - 4_000, exp: NOW - 301 }),
  },
  { expected: "refused session_revoked", edge: true, break: view({ isSessionEnded: () => true }) },
  { expected: "refused session_key", edge: true, break: (d, { keys }) => void (d.signer = keys.stranger) },
  { expected: "denied operation", edge: true, break: body({ operation: "content.unknown@1" }) },
  { expected: "denied arguments", edge: true, break: body({ args: { session: "s-0123456789abcdef", foreign: 1 } }) },
  { expected: "denied clock", edge: false, break: body({ iat: NOW - READ_SKEW_SECONDS - 1 }) },
  { expected: "denied repeated", edge: false, break: view({ isRepeated: () => true }) },
  { expected: "denied role", edge: true, break: by("vera") },
  {
    expected: "denied host_scope",
    edge: true,
    break: (d, { state }) => {
      const roles = [...state.roles].map(([id, role]) => [id, { ...role, hosts: ["h-elsewhere"] }] as const);
      view({ trust: { ...state, roles: new Map(roles) } })(d);
    },
  },
  { expected: "denied grant", edge: false, break: view({ isGranted: () => false }) },
  { expected: "denied local_policy", edge: false, break: view({ denies: () => true }) },
];

const points: readonly (readonly [string, string, ReadRule["break"]])[] = [
  ["honest", "verified p-ada", () => undefined],
  ["as old as it may be", "verified p-ada", body({ iat: NOW - READ_SKEW_SECONDS })],
  ["as far ahead as it may be", "verified p-ada", body({ iat: NOW + READ_SKEW_SECONDS })],
  ["too far ahead", "denied clock", body({ iat: NOW + READ_SKEW_SECONDS + 1 })],
  ["an operation in place of a read", "denied operation", body({ operation: "gateway.restart@1", args: {} })],
  ["a name of an object's own machinery", "refused malformed", body({ operation: "constructor" })],
  ["a kind that nobody granted", "denied grant", body({ operation: "content.logs@1", args: {} })],
  [
    "metadata, without any grant",
    "verified p-vera",
    (d, w) => {
      by("vera")(d, w);
      view({ isGranted: () => false })(d);
      body({ operation: "gateway.sessions@1", args: {} })(d);
    },
  ],
  ["another session's name", "refused session_key", body({ session: nonceOf("another session") })],
  ["metadata of an operator", "denied role", by("otto")],
];

export const readCases: readonly RuleCase[] = [
  ...readRules.flatMap(({ expected, edge, break: bend }): readonly RuleCase[] => [
    { name: `read, host: ${expected}`, expected, run: (m) => readVerdict(m, "verifyRead", bend) },
    {
      name: `read, edge: ${expected}`,
      expected: edge ? expected : "verified p-ada",
      run: (m) => readVerdict(m, "verifyReadAtEdge", bend),
    },
  ]),
  ...points.map(([name, expected, bend]): RuleCase => ({
    name: `read: ${name}`,
    expected,
    run: (m) => readVerdict(m, "verifyRead", bend),
  })),
];
