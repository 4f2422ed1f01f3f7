/** The commands that only a team has: carried out from a proposal, signed by a successor key, or by a machine. */
import { toBase64url } from "../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../protocol/canonical.ts";
import type { Submission } from "../../../protocol/messages.ts";
import { digestOf, type Signer } from "../../../protocol/signing.ts";
import type { HostView } from "../../../protocol/verify.ts";
import {
  CERT_FINGERPRINT,
  CHALLENGE,
  draftCommand,
  sealCommand,
  TUNNEL,
  viewOf,
  type CommandDraft,
  type TouchDraft,
} from "../../fixtures/command.ts";
import { nonceOf, signed, signerOf } from "../../fixtures/keys.ts";
import { makeTeam, type Team } from "../../fixtures/team.ts";
import { NOW, type Fields, type Member } from "../../fixtures/workspace.ts";
import { once, type Modules } from "./cases.ts";

export const sharedTeam = once(makeTeam);

/** The touch of one person over a proposal. */
export function proposalTouch({ workspace }: Team, { passkey }: Member): TouchDraft {
  const body = { v: 1, workspace, kind: "proposal", decision: "approve", at: NOW - 3_600 };
  return { passkey, knobs: {}, body };
}

/** A drill that Bea proposed an hour ago and Ada carries out. */
export function draftForTwo(team: Team): CommandDraft {
  const draft = draftCommand(team);
  Object.assign(draft.intent, { operation: "host.drill@1", args: { scenario: "second-person" } });
  draft.target["expect"] = {};
  draft.proposal = {
    body: { v: 1, workspace: team.workspace, exp: NOW + 80_000, id: nonceOf("proposal") },
    approvals: [proposalTouch(team, team.more.bea)],
  };
  return draft;
}

/** The restart of one person, signed by the key that an earlier step-up named. */
export async function draftWithSuccessor(team: Team): Promise<CommandDraft & { successor: TouchDraft }> {
  const draft = draftCommand(team);
  const next = await signerOf("next session key");
  const session = digestOf("session", encodeCanonical(draft.session.body));
  const { workspace } = team;
  const nextSessionKey = { session, key: next.publicKey };
  const body = { v: 1, workspace, kind: "intent", decision: "approve", after: 2, nextSessionKey };
  return { ...draft, sessionSigner: next, successor: { passkey: team.people.ada.passkey, knobs: {}, body } };
}

export type TeamChange = (draft: CommandDraft, team: Team) => void;

export async function twoHostVerdict(modules: Modules, change: TeamChange): Promise<string> {
  const team = await sharedTeam();
  const draft = draftForTwo(team);
  change(draft, team);
  return hostWord(modules, await sealCommand(team, draft));
}

export async function twoEdgeVerdict(modules: Modules, change: TeamChange): Promise<string> {
  const team = await sharedTeam();
  const draft = draftForTwo(team);
  change(draft, team);
  return edgeWord(modules, await sealCommand(team, draft));
}

interface Sealed {
  readonly bytes: Uint8Array;
  readonly submission: Submission;
  readonly view: HostView;
}

export async function hostWord(modules: Modules, { bytes, view }: Sealed): Promise<string> {
  const result = await modules.verify.verifyEnvelope(bytes, view);
  return result.kind === "refused" ? result.code : result.kind;
}

export async function edgeWord(modules: Modules, { submission, view }: Sealed): Promise<string> {
  const result = await modules.verify.verifySubmission(submission, view);
  return result.kind === "refused" ? result.code : result.kind;
}

export interface AutomationDraft {
  signer: Signer;
  intent: Fields;
  target: Fields;
  /** Members of the finished envelope to add or replace. */
  envelope: Fields;
  view: Partial<HostView>;
}

/** A restart that a machine signs. */
export function draftOfMachine({ workspace, state, host, automation }: Team): AutomationDraft {
  const actor = { automationKey: automation.id };
  return {
    signer: automation.signer,
    intent: {
      v: 1,
      workspace,
      actor,
      operation: "gateway.restart@1",
      args: {},
      trustHead: state.head,
      ttl: 120,
      id: nonceOf("machine's intent"),
    },
    target: { host, challenge: CHALLENGE, iat: NOW - 5, expect: { gatewayBoot: "boot-0001" }, sealed: [] },
    envelope: {},
    view: {},
  };
}

export async function sealOfMachine(team: Team, draft: AutomationDraft): Promise<Sealed> {
  const { workspace, keys } = team;
  const intent: Fields = { targets: [draft.target], ...draft.intent };
  const bytes = encodeCanonical(intent);
  const host = String(draft.target["host"]);
  const submission = {
    intent: toBase64url(bytes),
    sessionSignature: await draft.signer.sign("intent", bytes),
    approvals: [],
    sealed: [],
    ...draft.envelope,
  };
  const dispatched = { v: 1, workspace, host, intent: digestOf("intent", bytes), tunnel: TUNNEL };
  const dispatch = await signed(
    keys.dispatch,
    "dispatch",
    encodeCanonical({ ...dispatched, certFingerprint: CERT_FINGERPRINT }),
  );
  const actor = intent["actor"] as { readonly automationKey?: string };
  const record = { actor: `key:${actor.automationKey}`, operation: String(intent["operation"]) };
  return {
    bytes: encodeCanonical({ ...submission, dispatch }),
    submission,
    view: viewOf(team, record, { host, ...draft.view }),
  };
}
