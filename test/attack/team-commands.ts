/**
 * Attacks on commands that need two people: one who plays both, somebody's puppet, proposals swapped, changed, kept too
 * long or carried out twice; and touches that were given for something else.
 */
import { encodeCanonical } from "../../protocol/canonical.ts";
import { digestOf } from "../../protocol/signing.ts";
import type { TouchDraft } from "../fixtures/command.ts";
import { nonceOf } from "../fixtures/keys.ts";
import { asserted, type Fields } from "../fixtures/workspace.ts";
import { touchOf, type Attack } from "./attack.ts";
import { dispatched, treeOf } from "./captured.ts";
import { DRILL, type Outcome, type Scene } from "./scene.ts";
import { draftForTwo, proposalTouch, teamOf, type DraftForTwo, type Team } from "./team-town.ts";
import { wallNow } from "./town.ts";

interface Kit {
  readonly scene: Scene;
  readonly team: Team;
  /** The proposer's touch, and the last one's. */
  readonly proposer: TouchDraft;
  readonly touch: TouchDraft;
}
type Bend = (draft: DraftForTwo, kit: Kit) => void | Promise<void>;
type Row = readonly [name: string, rule: string, bend: Bend];

/** A drill that Bea proposed and Ada carries out, bent at one place. */
export function bentForTwo(bend: Bend) {
  return async (scene: Scene): Promise<Outcome> => {
    const team = teamOf(scene);
    const draft = await draftForTwo(scene, team.actors.bea.passkey, team.actors.ada);
    const [proposer] = draft.proposal.approvals;
    if (proposer === undefined) throw new TypeError("team: somebody proposed");
    await bend(draft, { scene, team, proposer, touch: touchOf(draft) });
    return scene.deliver((await scene.seal(draft)).bytes);
  };
}

function rows(kind: string, table: readonly Row[]): readonly Attack[] {
  return table.map(([name, rule, bend]) => ({ class: kind, name, rule, run: bentForTwo(bend) }));
}

function dropProposal(draft: DraftForTwo): void {
  delete (draft as Partial<DraftForTwo>).proposal;
}

export const alone: readonly Row[] = [
  ["an administrator alone", "people", dropProposal],
  [
    "one person's proposal, carried out by that person",
    "people",
    (_draft, { proposer, team }) => void (proposer.passkey = team.actors.ada.passkey),
  ],
  ["one person's two passkeys", "people", (_draft, { proposer, team }) => void (proposer.passkey = team.second)],
  [
    "a newcomer whom the other one alone added",
    "people",
    (_draft, { proposer, team }) => void (proposer.passkey = team.actors.pup.passkey),
  ],
  [
    "a newcomer whom the other one's newcomer added",
    "people",
    (_draft, { proposer, team }) => void (proposer.passkey = team.actors.kit.passkey),
  ],
];

/** Only for the shipped agent: without the count of people another rule still stands in the way. */
const notEnough: readonly Row[] = [
  [
    "the same approval of the proposal twice",
    "people",
    (draft, { proposer, team }) => {
      proposer.passkey = team.actors.ada.passkey;
      draft.proposal.approvals.push({ ...proposer });
    },
  ],
  [
    "both passkeys of one person over the proposal",
    "people",
    (draft, { proposer, team }) => {
      proposer.passkey = team.second;
      draft.proposal.approvals.push(proposalTouch(team.world.workspace, team.actors.ada.passkey));
    },
  ],
  [
    "an operator for the second person",
    "role",
    (_draft, { proposer, team }) => void (proposer.passkey = team.actors.otto.passkey),
  ],
  [
    "a revoked administrator for the second person",
    "approval.credential",
    (_draft, { proposer, team }) => void (proposer.passkey = team.actors.eve.passkey),
  ],
  [
    "the attacker for the second person",
    "approval.credential",
    (_draft, { proposer, team }) => void (proposer.passkey = team.mallory.passkey),
  ],
  [
    "the attacker under the second person's credential id",
    "approval.signature",
    (_draft, { proposer, team }) => {
      proposer.passkey = team.mallory.passkey;
      proposer.knobs = { credentialId: team.actors.bea.passkey.pinned.credentialId };
    },
  ],
  [
    "proposed on a page of the edge",
    "class_origin",
    (_draft, { proposer, team }) => void (proposer.passkey = team.actors.bea.daily),
  ],
  [
    "carried out on a page of the edge",
    "class_origin",
    (_draft, { touch, team }) => void (touch.passkey = team.actors.ada.daily),
  ],
  [
    "carried out in another's session",
    "people",
    (_draft, { touch, team }) => void (touch.passkey = team.actors.cyd.passkey),
  ],
];

export const bindings: readonly Row[] = [
  [
    "the command differs from what was proposed",
    "proposal",
    (draft) => void Object.assign(draft.proposal.body, { args: { scenario: "edge-taken-over" }, operation: DRILL }),
  ],
  [
    "proposed for another host",
    "proposal",
    (draft, { team }) => void (draft.proposal.body["targets"] = [{ host: team.lab.host, expect: {} }]),
  ],
  [
    "another operation was proposed",
    "proposal",
    (draft) => void Object.assign(draft.proposal.body, { operation: "host.check@1", args: {} }),
  ],
  [
    "another proposal is carried than was approved and is named",
    "proposal",
    (draft, { proposer }) => {
      draft.intent["proposal"] = nonceOf("what was approved");
      proposer.body["subject"] = nonceOf("what was approved");
    },
  ],
];

const bound: readonly Row[] = [
  [
    "another host slipped in beside",
    "proposal",
    (draft, { team, scene }) => {
      const { host } = scene.town.world;
      const other = { ...draft.target, host: team.lab.host };
      const targets = [draft.target, other].toSorted((a, b) => (String(a["host"]) < String(b["host"]) ? -1 : 1));
      draft.intent["targets"] = targets;
      draft.proposal.body["targets"] = [{ host, expect: {} }];
    },
  ],
  [
    "proposed with an expectation that the command lacks",
    "proposal",
    (draft, { scene }) =>
      void (draft.proposal.body["targets"] = [{ host: scene.town.world.host, expect: { gatewayBoot: "boot-000001" } }]),
  ],
  ["a proposal of another workspace", "proposal", (draft) => void (draft.proposal.body["workspace"] = nonceOf("x"))],
  ["a proposal of version 2", "proposal", (draft) => void (draft.proposal.body["v"] = 2)],
  ["a proposal that ended", "proposal_expired", (draft) => void (draft.proposal.body["exp"] = wallNow() - 1)],
  ["a proposal for ever", "proposal_expired", (draft) => void (draft.proposal.body["exp"] = wallNow() + 30 * 86_400)],
];

const passedOff: readonly Row[] = [
  ...(["proposal", "statement", "session-end", "edge-action"] as const).map((kind): Row => [
    `a touch of kind ${kind} over the intent`,
    "approval_subject",
    (_draft, { touch }) => {
      delete touch.body["after"];
      Object.assign(touch.body, { kind, at: wallNow() });
    },
  ]),
  ...(["statement", "session-end", "edge-action"] as const).map((kind): Row => [
    `a touch of kind ${kind} over the proposal`,
    "approval_subject",
    (_draft, { proposer }) => void (proposer.body["kind"] = kind),
  ]),
  [
    "an approval of an intent over the proposal",
    "approval_subject",
    (_draft, { proposer }) => {
      delete proposer.body["at"];
      Object.assign(proposer.body, { kind: "intent", after: 1 });
    },
  ],
  [
    "a genuine approval of an edge action",
    "approval_subject",
    (_draft, { touch, team }) => {
      const { workspace } = team.world;
      const action = encodeCanonical({ v: 1, workspace, session: team.actors.ada.digest, endpoint: "setAlerts" });
      delete touch.body["after"];
      Object.assign(touch.body, { kind: "edge-action", at: wallNow(), subject: digestOf("edge-action", action) });
    },
  ],
];

/** An honest pair: their command runs, and whatever is made of its parts afterwards does not. */
async function executedForTwo(scene: Scene): Promise<{ readonly draft: DraftForTwo; readonly bytes: Uint8Array }> {
  const { actors } = teamOf(scene);
  const draft = await draftForTwo(scene, actors.bea.passkey, actors.ada);
  const { bytes } = await scene.seal(draft);
  const outcome = await scene.deliver(bytes);
  scene.letGo(actors.ada, DRILL);
  if (outcome !== "executed") throw new Error(`team: the honest drill was ${outcome}`);
  scene.noteHonest(DRILL);
  return { draft, bytes };
}

/** Another intent, honestly approved by another administrator, for the proposal that was carried out. */
async function carriedOutAgain(scene: Scene, proposal: DraftForTwo["proposal"]): Promise<Outcome> {
  const { actors } = teamOf(scene);
  const again = await draftForTwo(scene, actors.bea.passkey, actors.cyd);
  again.proposal = proposal;
  const mark = scene.happenings.mark;
  const { bytes, digest } = await scene.seal(again);
  scene.send(bytes);
  // The host answers with the receipt of the intent that ran: for this one there is none.
  const answer = await scene.happenings.first(mark, (item) => {
    if (item.kind === "log" && item.line["step"] === "executing" && item.line["intent"] === digest) return "executed";
    if (item.kind !== "frame") return undefined;
    if (item.frame.kind === "refused" && item.frame.subject === digest) return item.frame.code;
    return item.frame.kind === "receipt" ? "known" : undefined;
  });
  return answer ?? "silence";
}

const courses: readonly Attack[] = [
  {
    class: "two people: courses",
    name: "two newcomers whom one person alone added",
    rule: "people",
    async run(scene) {
      const { pup, sock } = teamOf(scene).actors;
      const outcome = await scene.deliver((await scene.seal(await draftForTwo(scene, sock.passkey, pup))).bytes);
      if (outcome === "executed") scene.letGo(pup, DRILL);
      return outcome;
    },
  },
  {
    class: "two people: courses",
    name: "a proposal carried out twice, by two intents",
    rule: "known",
    async run(scene) {
      const { draft } = await executedForTwo(scene);
      return carriedOutAgain(scene, draft.proposal);
    },
  },
  {
    class: "two people: courses",
    name: "the same after the agent was killed",
    rule: "known",
    async run(scene) {
      const { draft } = await executedForTwo(scene);
      await scene.restartAgent("SIGKILL");
      await scene.join();
      return carriedOutAgain(scene, draft.proposal);
    },
  },
  {
    class: "two people: courses",
    name: "the approvals of an executed command under a new one",
    rule: "approval_subject",
    async run(scene) {
      const { bytes } = await executedForTwo(scene);
      const { ada, bea } = teamOf(scene).actors;
      const next = await scene.seal(await draftForTwo(scene, bea.passkey, ada));
      const tree = treeOf(next.bytes);
      return scene.deliver(await dispatched(scene, { ...tree, approvals: treeOf(bytes)["approvals"] }));
    },
  },
  {
    class: "two people: courses",
    name: "the proposal swapped under the second person",
    rule: "proposal",
    async run(scene) {
      const { ada, bea } = teamOf(scene).actors;
      const one = treeOf((await scene.seal(await draftForTwo(scene, bea.passkey, ada))).bytes);
      const other = treeOf((await scene.seal(await draftForTwo(scene, bea.passkey, ada))).bytes);
      return scene.deliver(await dispatched(scene, { ...one, proposal: other["proposal"] }));
    },
  },
  {
    class: "two people: courses",
    name: "a proposal beside an intent that names none",
    rule: "proposal",
    async run(scene) {
      const { ada, bea } = teamOf(scene).actors;
      const draft = await draftForTwo(scene, bea.passkey, ada);
      const { proposal } = treeOf((await scene.seal(draft)).bytes);
      dropProposal(draft);
      return scene.deliver(await dispatched(scene, { ...treeOf((await scene.seal(draft)).bytes), proposal }));
    },
  },
  {
    class: "two people: courses",
    name: "a named proposal left out",
    rule: "proposal",
    async run(scene) {
      const { ada, bea } = teamOf(scene).actors;
      const tree = treeOf((await scene.seal(await draftForTwo(scene, bea.passkey, ada))).bytes);
      delete tree["proposal"];
      return scene.deliver(await dispatched(scene, tree));
    },
  },
  {
    class: "two people: courses",
    name: "an honest pair's intent burnt by an early delivery with a bad approval",
    rule: "approval.credential",
    async run(scene) {
      const { ada, bea } = teamOf(scene).actors;
      const draft = await draftForTwo(scene, bea.passkey, ada);
      const honest = await scene.seal(draft);
      const bad = await badTouch(scene, honest.digest);
      const outcome = await scene.deliver(await dispatched(scene, { ...treeOf(honest.bytes), approvals: [bad] }));
      const then = await scene.deliver(honest.bytes);
      scene.letGo(ada, DRILL);
      if (then === "executed") scene.noteHonest(DRILL);
      return then === "executed" ? outcome : `${outcome}, then the honest one ${then}`;
    },
  },
];

function badTouch(scene: Scene, subject: string): Promise<Fields> {
  const { workspace } = scene.town.world;
  const body = encodeCanonical({ v: 1, workspace, kind: "intent", subject, decision: "approve", after: 1 });
  return asserted(scene.town.mallory.passkey, "approval", { body });
}

export const teamCommandAttacks: readonly Attack[] = [
  ...rows("two people", [...alone, ...notEnough]),
  ...rows("two people: proposal", [...bindings, ...bound]),
  ...rows("touch for something else", passedOff),
  ...courses,
];
