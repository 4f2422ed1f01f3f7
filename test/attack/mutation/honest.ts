/** The honest frames: commands of one person, of two, of a machine; every kind of statement; ends and requests. */
import { fromBase64url, toBase64url } from "../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../protocol/canonical.ts";
import { digestOf, type Signer } from "../../../protocol/signing.ts";
import type { SignedStatement, StatementKind } from "../../../protocol/trust/statements.ts";
import type { InwardFrame } from "../../../protocol/tunnel.ts";
import { createCredential, type SoftwareCredential } from "../../fixtures/authenticator.ts";
import { draftCommand, sealCommand, sealTouches, viewOf } from "../../fixtures/command.ts";
import { nonceOf, signed, signerOf } from "../../fixtures/keys.ts";
import { hashOf, pipelineKey, said, say, type Said, type Team } from "../../fixtures/team.ts";
import { hostBodyOf, NOW, type Member } from "../../fixtures/workspace.ts";
import type { Json, Random } from "../../protocol/campaign.ts";
import {
  draftForTwo,
  draftOfMachine,
  draftWithSuccessor,
  sealOfMachine,
  sharedTeam,
} from "../../protocol/rules/team-commands.ts";
import {
  signEnd,
  signEnvelope,
  signEnvelopeAs,
  signPrepare,
  signStatements,
  signStatementsAs,
  tlsSigner,
  type Holdings,
} from "./holdings.ts";
import {
  byThoseWhoMay,
  judgeFrame,
  openedFrame,
  wrapPage,
  wrapPrepare,
  type Ground,
  type Subject,
} from "./subjects.ts";

/** What is said of somebody's session: by whom, and with which key. */
async function commandOfOne(team: Team, { id, passkey }: Member, key: string) {
  const draft = draftCommand(team);
  draft.session.passkey = passkey;
  draft.sessionSigner = await signerOf(key);
  Object.assign(draft.session.body, { sessionKey: draft.sessionSigner.publicKey, nonce: nonceOf(`sign-in ${key}`) });
  draft.intent["id"] = nonceOf(`intent of ${id} ${key}`);
  for (const touch of draft.approvals) touch.passkey = passkey;
  return sealCommand(team, draft);
}

/** One of each kind, approved by as many as it takes. */
async function everyStatement(team: Team): Promise<readonly (readonly [Said, readonly SoftwareCredential[]])[]> {
  const { people, more, host, state } = team;
  const one = [people.ada.passkey];
  const two = [people.ada.passkey, more.bea.passkey];
  const fresh = await createCredential();
  const key = (await signerOf("the next edge")).publicKey;
  const machine = { ...pipelineKey((await signerOf("second pipeline")).publicKey, host), id: "k-second" };
  const role = { id: "helper", permissions: ["gateway.operate" as const], hosts: ["all"], sessionSeconds: 600 };
  const grant = state.people.get("p-otto")?.grant ?? "";
  return [
    [said("person.add", { id: "p-new", name: nonceOf("new"), roles: ["operator"] }), two],
    [said("credential.add", { person: "p-vera", ...fresh.pinned }), two],
    [said("role.define", role), two],
    [said("role.assign", { person: "p-vera", roles: ["operator"] }), two],
    [said("host.admit", await hostBodyOf("third host")), one],
    [said("host.remove", { host: team.lab.host }), one],
    [said("automation-key.add", machine), two],
    [said("origin.add", { origin: "https://new.example", rpId: "new.example", class: "daily" }), two],
    [said("dispatch-key.rotate", { key }), one],
    [said("ledger-key.rotate", { key }), one],
    [said("policy.set", { id: "two", operations: ["host.drill@1"], hosts: ["all"], people: 3 }), one],
    [said("fork.resolve", { keep: state.chain.hash }), two],
    [said("root.rotate", { dispatchKey: key, ledgerKey: key }), two],
    [said("person.revoke", { person: "p-otto" }), one],
    [said("credential.revoke", { credential: people.otto.daily.pinned.credentialId }), one],
    [said("role.revoke", { grant }), one],
    [said("automation-key.revoke", { automationKey: team.automation.id }), one],
    [said("origin.revoke", { origin: "https://daily.example" }), one],
  ];
}

type EndFrame = Extract<InwardFrame, { kind: "session-end" }>;

/** Otto's first session, ended by its own key or by an administrator; or both of his, as many as the keys named. */
async function sessionEnd(
  team: Team,
  by: "session" | "person",
  names: readonly string[] = ["session of otto"],
): Promise<EndFrame> {
  const { workspace, people } = team;
  const ends = [];
  for (const name of names) ends.push(await ending(team, name));
  const [first, ...others] = ends.toSorted((a, b) => (a.named < b.named ? -1 : 1));
  if (first === undefined) throw new TypeError("honest: nothing ends");
  const what =
    others.length === 0 ? { session: first.named } : { sessions: [first, ...others].map(({ named }) => named) };
  // Other bytes for each, so that nobody's touch over one is taken for honest words in the other.
  const at = by === "session" ? NOW - 1 : NOW;
  const body = encodeCanonical({ v: 1, workspace, ...what, person: "p-otto", at });
  const touch = { v: 1, workspace, kind: "session-end", decision: "approve", at: NOW };
  const [approval] = await sealTouches(
    [{ passkey: people.ada.daily, knobs: {}, body: touch }],
    digestOf("session-end", body),
  );
  if (approval === undefined) throw new TypeError("honest: nobody touched");
  const ender =
    by === "session" ? { kind: by, signature: await first.key.sign("session-end", body) } : { kind: by, approval };
  const rest = others.length === 0 ? {} : { others: others.map(({ session }) => session) };
  return { kind: "session-end", end: { body: toBase64url(body), session: first.session, ...rest, by: ender } };
}

async function ending(team: Team, name: string) {
  const { session } = (await commandOfOne(team, team.people.otto, name)).submission;
  return { key: await signerOf(name), session, named: digestOf("session", fromBase64url(session.body)) };
}

/** The right key is tried as often as all others: only behind it begin the rules about touches. */
function often(signer: Signer): readonly Signer[] {
  return Array.from({ length: 6 }, () => signer);
}

function delivered(bytes: Uint8Array): InwardFrame {
  return { kind: "deliver", number: 1, envelope: toBase64url(bytes) };
}

export async function makeSubjects(): Promise<readonly Subject[]> {
  const team = await sharedTeam();
  const { people, more, keys, workspace, host, state } = team;
  const stolen = await signerOf("session of otto");
  const second = await signerOf("second session of otto");
  const others = await signerOf("session of vera");
  const edge = [keys.dispatch, keys.ledger, await tlsSigner(), keys.stranger, others];
  const mallory = await createCredential();
  const powerless = [people.vera, people.scot, people.nora].flatMap(({ passkey, daily }) => [passkey, daily]);
  const claimed = [people.ada, people.otto, more.bea].map(({ passkey }) => passkey.pinned.credentialId);
  const holdings = { dispatch: keys.dispatch, claimed };
  // Of somebody who may restart, the session key; of nobody who may, a passkey.
  const forOne: Holdings = { ...holdings, keys: [...edge, ...often(stolen)], passkeys: [...powerless, mallory] };
  // Critical: the session keys and the daily passkeys of both administrators as well, and an operator altogether.
  const dailies = [people.ada.daily, more.bea.daily, more.cyd.daily, people.otto.passkey, people.otto.daily];
  const forTwo: Holdings = {
    ...holdings,
    keys: [...edge, ...often(keys.session)],
    passkeys: [...powerless, ...dailies, ...dailies, mallory],
  };
  const forMachine: Holdings = { ...holdings, keys: edge, passkeys: forTwo.passkeys };

  const one = await commandOfOne(team, people.otto, "session of otto");
  const another = await commandOfOne(team, people.ada, "session of ada");
  const late = await commandOfOne(team, people.otto, "second session of otto");
  const two = await sealCommand(team, draftForTwo(team));
  const succeeded = await sealCommand(team, await draftWithSuccessor(team));
  const machine = await sealOfMachine(team, draftOfMachine(team));
  const statements = [];
  for (const [what, by] of await everyStatement(team)) {
    statements.push([what.kind, await say(state, what as Said<StatementKind>, { by }), by] as const);
  }
  const ends = [await sessionEnd(team, "session"), await sessionEnd(team, "person")];
  const his = ["session of otto", "second session of otto"];
  const several = await sessionEnd(team, "person", his);
  // Not honest: one of them must not end the other, whichever of their keys signs.
  const byOne = await sessionEnd(team, "session", his);
  const request = { v: 1, workspace, host, actor: { session: one.session }, operation: "gateway.restart@1" };
  const prepare = encodeCanonical({ ...request, jti: nonceOf("request") });
  const asking = wrapPrepare(await signed(stolen, "prepare", prepare), one.submission.session);
  const theirs = wrapPrepare(await signed(others, "prepare", prepare), another.submission.session);

  const honest = new Set([
    ...[one, another, late, two, succeeded].map(({ digest }) => digest),
    digestOf("intent", fromBase64url(machine.submission.intent)),
    ...statements.map(([, statement]) => hashOf(statement)),
    ...[...ends, several].map(({ end }) => digestOf("session-end", fromBase64url(end.body))),
    digestOf("prepare", prepare),
  ]);
  const record = { actor: one.session, operation: "gateway.restart@1" };
  const ground: Ground = { team, state, honest, view: viewOf(team, record) };

  type Sign = (tree: Json, held: Holdings, random: Random) => Promise<Json>;
  const subject = (
    name: string,
    frame: InwardFrame,
    {
      sign,
      held,
      donors,
      view = ground.view,
    }: { sign: Sign; held: Holdings; donors: readonly InwardFrame[]; view?: Ground["view"] },
  ): Subject => ({
    name,
    ...openedFrame(frame),
    donors: donors.map((donor) => openedFrame(donor).tree),
    sign: (tree, random) => sign(tree, held, random),
    judge: (text, random) => judgeFrame(text, { ...ground, view }, random),
  });

  const envelopes = [one, another, late, two, succeeded].map(({ bytes }) => delivered(bytes));
  const [ofOne, , , ofTwo, ofSuccessor] = envelopes as [
    InwardFrame,
    InwardFrame,
    InwardFrame,
    InwardFrame,
    InwardFrame,
  ];
  const ofMachine = delivered(machine.bytes);
  const commands = { sign: signEnvelope, donors: [...envelopes, ofMachine] };
  const pages = statements.map(([, statement]) => wrapPage(statement));
  const root: InwardFrame = { kind: "trust", page: { root: team.root, statements: [] } };
  const noRoot: Holdings = { ...holdings, keys: edge, passkeys: [mallory, people.ada.daily] };
  const ofOnePerson = subject("command of one person", ofOne, { ...commands, held: forOne, view: one.view });
  const ofTwoPeople = subject("command of two people", ofTwo, { ...commands, held: forTwo, view: two.view });
  const ofAMachine = subject("command of a machine", ofMachine, { ...commands, held: forMachine, view: machine.view });
  return [
    ofOnePerson,
    ofTwoPeople,
    subject("command by a successor key", ofSuccessor, { ...commands, held: forOne, view: succeeded.view }),
    ofAMachine,
    byThoseWhoMay(ofOnePerson, (tree) => signEnvelopeAs(tree, forOne, { key: stolen, by: people.otto.passkey })),
    byThoseWhoMay(ofTwoPeople, (tree) =>
      signEnvelopeAs(tree, forTwo, { key: keys.session, by: people.ada.passkey, proposer: more.bea.passkey }),
    ),
    byThoseWhoMay(ofAMachine, (tree) => signEnvelopeAs(tree, forMachine, { key: team.automation.signer })),
    ...statements.flatMap(
      ([kind, statement, by]: readonly [string, SignedStatement, readonly SoftwareCredential[]]) => {
        const bad = subject(kind, wrapPage(statement), { sign: signStatements, held: forTwo, donors: pages });
        return [bad, byThoseWhoMay(bad, (tree) => signStatementsAs(tree, by))];
      },
    ),
    subject("root", root, { sign: (tree) => Promise.resolve(tree), held: noRoot, donors: [root] }),
    ...ends.map((end) =>
      subject(`end of a session by its ${end.end.by.kind}`, end, {
        sign: signEnd,
        held: { ...forMachine, passkeys: [...powerless, mallory] },
        donors: ends,
      }),
    ),
    subject("end of several sessions", several, {
      sign: signEnd,
      held: { ...forMachine, passkeys: [...powerless, mallory] },
      donors: [several, ...ends],
    }),
    subject("end of several sessions by the key of one", byOne, {
      sign: signEnd,
      // Whatever a single session's key may end is not among the donors: it would rightly end it.
      held: { ...forMachine, keys: [...edge, ...often(stolen), ...often(second)], passkeys: [...powerless, mallory] },
      donors: [several, byOne],
    }),
    subject("request for a challenge", asking, {
      sign: signPrepare,
      held: { ...forMachine, passkeys: [...powerless, mallory] },
      donors: [asking, theirs],
    }),
  ];
}
