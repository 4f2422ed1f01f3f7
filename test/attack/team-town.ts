/**
 * The town grown into a team: more administrators, newcomers whom Ada alone added (pup, sock) or whom pup did (kit), a rule for two people,
 * a second host, automation keys of several kinds, and an administrator who was revoked. And the means to make the
 * commands that only a team has. Knows no attack.
 */
import { toBase64url } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import type { Prepared } from "../../protocol/messages.ts";
import type { AutomationKey, HostBody } from "../../protocol/trust/statements.ts";
import { digestOf, type Signer } from "../../protocol/signing.ts";
import { createCredential, originFor, type SoftwareCredential } from "../fixtures/authenticator.ts";
import { OPERATION, type CommandDraft, type ProposalDraft, type TouchDraft } from "../fixtures/command.ts";
import { signed, signerOf } from "../fixtures/keys.ts";
import { DAILY_RP_ID, hostBodyOf, SIGNER_RP_ID, type Fields, type Member } from "../fixtures/workspace.ts";
import { dispatched } from "./captured.ts";
import { DRILL, freshNonce, type Outcome, type Scene } from "./scene.ts";
import { sessionBody, signInAll, wallNow, type Actor, type ActorName, type Town } from "./town.ts";

export type TeamName = ActorName | "bea" | "cyd" | "eve" | "pup" | "sock" | "kit";

export interface Machine {
  readonly id: string;
  readonly signer: Signer;
}

export interface Team extends Town {
  readonly actors: Readonly<Record<TeamName, Actor>>;
  /** Another passkey of Ada's on the signer: still one person. */
  readonly second: SoftwareCredential;
  /**
   * `pipeline` may check this host, and rehearse two of three scenarios; `busy` may check it twice in an hour; `far` may
   * check the other host only; `ended` is past its end; `revoked` was revoked.
   */
  readonly machines: Readonly<Record<"pipeline" | "busy" | "far" | "ended" | "revoked", Machine>>;
  readonly lab: HostBody;
}

const CHECK = "host.check@1";
const DAY = 86_400;

function grant(id: string, publicKey: string, change: Partial<AutomationKey>): AutomationKey {
  return {
    id,
    publicKey,
    label: id,
    operations: [
      { operation: CHECK, limits: [] },
      { operation: DRILL, limits: [{ argument: "scenario", values: ["lost-device", "edge-taken-over"] }] },
    ],
    hosts: [],
    rate: { commands: 1_000, seconds: 60 },
    until: wallNow() + DAY,
    ...change,
  };
}

export async function makeTeam(town: Town): Promise<Team> {
  const { founding, world } = town;
  const start = wallNow() - 9 * DAY;
  const more: Record<string, Member> = {};
  for (const name of ["bea", "cyd", "eve"]) more[name] = await founding.add(name, { roles: ["admin"], at: start });
  const second = await createCredential({ rpId: SIGNER_RP_ID });
  await founding.say({ kind: "credential.add", body: { person: "p-ada", ...second.pinned } }, start);
  const lab = await hostBodyOf("lab host");
  await founding.say({ kind: "host.admit", body: lab }, start);
  const machines: Record<string, Machine> = {};
  const own = { hosts: [world.host] };
  for (const [name, change] of Object.entries({
    pipeline: own,
    busy: { ...own, rate: { commands: 2, seconds: 3_600 } },
    far: { hosts: [lab.host] },
    ended: { ...own, until: start + DAY },
    revoked: own,
  })) {
    const machine = { id: `k-${name}`, signer: await signerOf(`machine ${name}`) };
    await founding.say(
      { kind: "automation-key.add", body: grant(machine.id, machine.signer.publicKey, change) },
      start,
    );
    machines[name] = machine;
  }
  more["pup"] = await founding.add("pup", { roles: ["admin"], at: wallNow() - 3_600 });
  more["sock"] = await founding.add("sock", { roles: ["admin"], at: wallNow() - 3_500 });
  founding.by = [more["pup"].passkey];
  more["kit"] = await founding.add("kit", { roles: ["admin"], at: wallNow() - 3_400 });
  founding.by = [founding.admin];
  await founding.say({ kind: "automation-key.revoke", body: { automationKey: "k-revoked" } }, wallNow() - 600);
  await founding.say({ kind: "person.revoke", body: { person: "p-eve" } }, wallNow() - 600);
  // The chain goes on after them: from here on nothing that the revoked say counts any more.
  const rule = { id: "two", operations: [DRILL], hosts: ["all"], people: 2 };
  await founding.say({ kind: "policy.set", body: rule }, wallNow() - 500);
  const members = { ...town.actors, ...(more as Record<Exclude<TeamName, ActorName>, Member>) };
  const grown = await founding.world(members, world.hostBody);
  return {
    ...town,
    world: grown,
    actors: await signInAll(grown, members),
    second,
    machines: machines as Team["machines"],
    lab,
  };
}

export function teamOf(scene: Scene): Team {
  return scene.town as Team;
}

// ---- commands of two people ----

export function proposalTouch(workspace: string, passkey: SoftwareCredential): TouchDraft {
  return { passkey, knobs: {}, body: { v: 1, workspace, kind: "proposal", decision: "approve", at: wallNow() } };
}

export type DraftForTwo = CommandDraft & { proposal: ProposalDraft };

/** A drill that `first` proposed and `last` carries out. */
export async function draftForTwo(scene: Scene, first: SoftwareCredential, last: Actor): Promise<DraftForTwo> {
  const { workspace } = scene.town.world;
  const draft = await scene.draft(last, DRILL);
  const body = { v: 1, workspace, exp: wallNow() + 3_600, id: freshNonce() };
  return { ...draft, proposal: { body, approvals: [proposalTouch(workspace, first)] } };
}

// ---- commands of machines ----

export interface MachineDraft {
  signer: Signer;
  intent: Fields;
  target: Fields;
  /** Members of the finished envelope to add or replace. */
  envelope: Fields;
}

export interface Asking {
  readonly operation?: string;
  readonly args?: Fields;
  readonly signer?: Signer;
}

/** A machine's own request for a challenge. */
export async function prepareBy(
  scene: Scene,
  machine: Machine,
  { operation = CHECK, signer = machine.signer }: Asking = {},
): Promise<Prepared | Outcome> {
  const { workspace, host } = scene.town.world;
  const actor = { automationKey: machine.id };
  const body = encodeCanonical({ v: 1, workspace, host, actor, operation, jti: freshNonce() });
  return scene.prepareRaw(await signed(signer, "prepare", body), undefined);
}

export function machineDraft(
  scene: Scene,
  {
    machine,
    challenge,
    operation = CHECK,
    args = {},
  }: Asking & { readonly machine: Machine; readonly challenge: string },
): MachineDraft {
  const { workspace, host, state } = scene.town.world;
  return {
    signer: machine.signer,
    intent: {
      v: 1,
      workspace,
      actor: { automationKey: machine.id },
      operation,
      args,
      trustHead: state.head,
      ttl: 120,
      id: freshNonce(),
    },
    target: {
      host,
      challenge,
      iat: wallNow() - 1,
      expect: operation === OPERATION ? { gatewayBoot: scene.canary.boot } : {},
      sealed: [],
    },
    envelope: {},
  };
}

export async function sealByMachine(scene: Scene, draft: MachineDraft): Promise<Uint8Array> {
  const bytes = encodeCanonical({ targets: [draft.target], ...draft.intent });
  const submission = {
    intent: toBase64url(bytes),
    sessionSignature: await draft.signer.sign("intent", bytes),
    approvals: [],
    sealed: [],
    ...draft.envelope,
  };
  return dispatched(scene, submission);
}

/** A sign-in on a page of the edge, with the passkey for it; the session key is named for the page. */
export async function dailyActor(scene: Scene, name: TeamName, key: string): Promise<Actor> {
  const { world, actors } = teamOf(scene);
  const member = actors[name];
  const sessionKey = await signerOf(key);
  const origin = originFor(DAILY_RP_ID);
  const session = sessionBody(world, sessionKey.publicKey, { nonce: freshNonce(), origin });
  return {
    ...member,
    passkey: member.daily,
    sessionKey,
    session,
    digest: digestOf("session", encodeCanonical(session)),
  };
}
