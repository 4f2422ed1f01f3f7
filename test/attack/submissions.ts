/**
 * Attacks on the edge's own check of a submitted command: a page that holds the session, in which the touch, the
 * signature or the intent is not what it must be. The host repeats every check; here nobody's time is spent.
 */
import { fromBase64url, toBase64url } from "../../protocol/bytes.ts";
import { submissionCodec } from "../../protocol/messages.ts";
import { NO_REVOCATIONS } from "../../protocol/trust/state.ts";
import { createCredential, FLAGS } from "../fixtures/authenticator.ts";
import { draftCommand, sealCommand, type CommandDraft } from "../fixtures/command.ts";
import { now } from "../fixtures/edge/page.ts";
import { nonceOf, signerOf } from "../fixtures/keys.ts";
import { SIGNER_RP_ID, type World } from "../fixtures/workspace.ts";
import { touchOf, type Result } from "./attack.ts";
import { askAs, outcomeOf, signInAgain, type Household } from "./real-edge.ts";
import type { Outcome } from "./scene.ts";

type Bend = (draft: CommandDraft) => void | Promise<void>;

/** As much of a world as a draft looks at. */
async function worldOf({ workspace, passkey }: Household): Promise<World> {
  const key = await signerOf("session");
  return {
    workspace,
    host: "h-not-admitted",
    state: { head: { n: 0, hash: workspace, revoked: NO_REVOCATIONS } },
    keys: { session: key, dispatch: key },
    people: { ada: { passkey } },
  } as unknown as World;
}

/** An honest command of the signed-in person for this edge, bent by `change`. */
async function submission(household: Household, change: Bend): Promise<string> {
  const world = await worldOf(household);
  const draft = draftCommand(world);
  const knobs = { origin: household.edge.origin };
  draft.session.bytes = fromBase64url(household.root.session.body);
  draft.session.knobs = knobs;
  draft.target["iat"] = now();
  touchOf(draft).knobs = knobs;
  await change(draft);
  return toBase64url(submissionCodec.encode((await sealCommand(world, draft)).submission));
}

async function submitted(household: Household, text: string, page = household.page): Promise<Outcome> {
  return outcomeOf(await askAs(page, "command", { body: { submission: text } }));
}

const bends: readonly (readonly [name: string, rule: string, bend: Bend])[] = [
  ["nobody approved", "approval_missing", (draft) => void (draft.approvals = [])],
  ["touched without user verification", "approval.user_verification", (draft) => knob(draft, { flags: FLAGS.UP })],
  ["touched on another origin", "approval.origin", (draft) => knob(draft, { origin: "https://evil.example" })],
  ["touched inside a foreign page", "approval.cross_origin", (draft) => knob(draft, { crossOrigin: true })],
  [
    "approval of another command",
    "approval_subject",
    (draft) => void (touchOf(draft).body["subject"] = nonceOf("another")),
  ],
  [
    "a stranger's passkey",
    "approval.credential",
    async (draft) => void (touchOf(draft).passkey = await createCredential({ rpId: SIGNER_RP_ID })),
  ],
  [
    "signed by another key than the session's",
    "session_key",
    async (draft) => void (draft.sessionSigner = await signerOf("thief")),
  ],
  [
    "sign-in without user verification",
    "session.user_verification",
    (draft) => void (draft.session.knobs = { ...draft.session.knobs, flags: FLAGS.UP }),
  ],
  ["for another workspace", "workspace", (draft) => void (draft.intent["workspace"] = nonceOf("elsewhere"))],
  [
    "under another trust log",
    "trust_behind",
    (draft) => void (draft.intent["trustHead"] = { n: 7, hash: nonceOf("x"), revoked: NO_REVOCATIONS }),
  ],
  [
    "arguments for an operation without arguments",
    "malformed",
    (draft) => void (draft.intent["args"] = { force: true }),
  ],
  ["an operation that nobody knows", "operation", (draft) => void (draft.intent["operation"] = "gateway.wipe@1")],
  ["without the boot that the person saw", "expect", (draft) => void (draft.target["expect"] = {})],
  ["for a host that nobody admitted", "target", () => undefined],
];

function knob(draft: CommandDraft, turned: object): void {
  const touch = touchOf(draft);
  touch.knobs = { ...touch.knobs, ...turned };
}

export async function attackSubmissions(household: Household): Promise<readonly Result[]> {
  const results: Result[] = [];
  const note = (name: string, rule: string, outcome: Outcome): void => {
    results.push({ class: "submitted command", name, rule, outcome, executed: outcome === "accepted" ? 1 : 0 });
  };
  for (const [name, rule, bend] of bends)
    note(name, rule, await submitted(household, await submission(household, bend)));
  const proper = await submission(household, () => undefined);
  note(
    "another session's command",
    "session_key",
    await submitted(household, proper, await signInAgain(household, "a third page")),
  );
  note("bytes that are no command", "malformed", await submitted(household, toBase64url(new Uint8Array(64))));
  note(
    "more bytes than any command",
    "malformed_request",
    await submitted(household, toBase64url(new Uint8Array(65_537))),
  );
  return results;
}
