/**
 * Attacks on the trust log of one administrator: statements that nobody with the right made, older logs, other roots,
 * hosts that nobody admitted.
 */
import { utf8Text } from "../../protocol/bytes.ts";
import type { SignedStatement, TrustPage } from "../../protocol/trust/statements.ts";
import { FLAGS, originFor } from "../fixtures/authenticator.ts";
import { nonceOf } from "../fixtures/keys.ts";
import {
  hostBodyOf,
  makeRoot,
  SIGNER_RP_ID,
  stated as statedThen,
  type Fields,
  type StatementDraft,
} from "../fixtures/workspace.ts";
import type { Attack } from "./attack.ts";
import type { Outcome, Scene } from "./scene.ts";
import { advance, at, trustFate, VERDICTS } from "./stages.ts";
import { wallNow } from "./town.ts";

function page(name: string, rule: string, make: (scene: Scene) => Promise<TrustPage> | TrustPage): Attack {
  return {
    class: "trust log",
    name,
    rule,
    run: at("joined", async (scene, mark) => {
      scene.tunnel.send({ kind: "trust", page: await make(scene) });
      return trustFate(scene, mark);
    }),
  };
}

/** A statement of today. */
const stated: typeof statedThen = (about, said, change) =>
  statedThen(about, said, (draft) => {
    draft.statement["at"] = wallNow();
    change?.(draft);
  });

type Bend = (draft: StatementDraft, scene: Scene) => void;

/** A host of the attacker's, admitted by whoever `bend` makes sign it. */
function admit(name: string, rule: string, bend: Bend): Attack {
  return page(name, rule, async (scene) => {
    const { world, actors } = scene.town;
    const body = await hostBodyOf("the attacker's host");
    const by = actors.ada.passkey;
    return {
      statements: [
        await stated({ state: world.state, by }, { kind: "host.admit", body }, (draft) => bend(draft, scene)),
      ],
    };
  });
}

const statements: readonly Attack[] = [
  admit(
    "admitted by an unknown passkey",
    "trust.assertion",
    (draft, { town }) => void (draft.by = town.mallory.passkey),
  ),
  admit("admitted by the attacker under an administrator's credential id", "trust.assertion", (draft, { town }) => {
    draft.by = town.mallory.passkey;
    draft.knobs = { credentialId: town.actors.ada.passkey.pinned.credentialId };
  }),
  admit("admitted on a page of the edge", "trust.origin", (draft, { town }) => void (draft.by = town.actors.ada.daily)),
  admit("admitted with a daily passkey that claims the signer's origin", "trust.assertion", (draft, { town }) => {
    draft.by = town.actors.ada.daily;
    draft.knobs = { origin: originFor(SIGNER_RP_ID), rpId: SIGNER_RP_ID };
  }),
  admit("admitted by an operator", "trust.role", (draft, { town }) => void (draft.by = town.actors.otto.passkey)),
  admit("admitted by a viewer", "trust.role", (draft, { town }) => void (draft.by = town.actors.vera.passkey)),
  admit("admitted without user verification", "trust.assertion", (draft) => void (draft.knobs = { flags: FLAGS.UP })),
  admit("admitted inside a foreign page", "trust.assertion", (draft) => void (draft.knobs = { crossOrigin: true })),
  admit(
    "admitted with the approval of another statement",
    "trust.approval",
    (draft) => void (draft.approval["subject"] = nonceOf("another")),
  ),
  admit("admitted with the approval of an intent", "trust.approval", (draft) => {
    delete draft.approval["at"];
    Object.assign(draft.approval, { kind: "intent", after: 1 });
  }),
  admit(
    "admitted with an approval for another workspace",
    "trust.approval",
    (draft) => void (draft.approval["workspace"] = nonceOf("x")),
  ),
  admit("for another workspace", "trust.workspace", (draft) => void (draft.statement["workspace"] = nonceOf("x"))),
  admit(
    "after a statement that nobody has",
    "trust.place",
    (draft) => void (draft.statement["prev"] = { n: 999, hash: nonceOf("x") }),
  ),
  admit("under other revocations", "trust.revocations", (draft) => void (draft.statement["revoked"] = nonceOf("x"))),
  admit(
    "a kind that this version does not know",
    "trust.malformed",
    (draft) => void (draft.statement["kind"] = "dispatch-key.rotate"),
  ),
  admit("a host id that is not its key's", "trust.key", (draft) => {
    draft.statement["body"] = { ...(draft.statement["body"] as Fields), host: "h-chosen-name" };
  }),
  page("fake statement without approvals", "tunnel.malformed_frame", async (scene) => {
    const { world, actors } = scene.town;
    const honest = await stated(
      { state: world.state, by: actors.ada.passkey },
      { kind: "host.remove", body: { host: world.host } },
    );
    return { statements: [{ ...honest, approvals: [] }] };
  }),
  page("credential of the attacker added by itself", "trust.assertion", (scene) => credential(scene, "p-ada")),
  page("the last administrator removed", "trust.last_admin", async ({ town }) => ({
    statements: [
      await stated(
        { state: town.world.state, by: town.actors.ada.passkey },
        { kind: "role.assign", body: { person: "p-ada", roles: [] } },
      ),
    ],
  })),
  page("a credential id taken over", "trust.exists", async ({ town }) => {
    const body = {
      person: "p-vera",
      ...town.mallory.passkey.pinned,
      credentialId: town.actors.ada.passkey.pinned.credentialId,
    };
    return {
      statements: [
        await stated({ state: town.world.state, by: town.actors.ada.passkey }, { kind: "credential.add", body }),
      ],
    };
  }),
  {
    class: "trust log",
    name: "a forked trust log, both branches validly approved",
    rule: "trust.fork",
    run: at("joined", async (scene, mark) => {
      scene.tunnel.send({ kind: "trust", page: { statements: [scene.town.fork] } });
      const outcome = await trustFate(scene, mark);
      scene.directory.forgetTrust(); // the host stays frozen, over every restart; the next attack begins before
      return outcome;
    }),
  },
  page("an older trust log", "head_kept", ({ town }) => ({
    root: town.world.root,
    statements: town.before.statements.slice(-60),
  })),
  page("known statements again, in another order", "head_kept", ({ town }) => ({
    statements: town.world.statements.toReversed().slice(0, 60),
  })),
  page("the root of another workspace", "trust.workspace", async () => ({
    root: (await otherRoot()).signed,
    statements: [],
  })),
];

async function credential(scene: Scene, person: string): Promise<TrustPage> {
  const { world, mallory } = scene.town;
  const body = { person, ...mallory.passkey.pinned };
  return { statements: [await stated({ state: world.state, by: mallory.passkey }, { kind: "credential.add", body })] };
}

function otherRoot() {
  return makeRoot((draft) => void (draft.root["at"] = 1));
}

function without(statement: string, { town }: Scene): SignedStatement[] {
  return town.world.statements.filter((signedOne) => signedOne.statement !== statement);
}

/** An agent that has seen nothing yet believes only its pin. */
const first: readonly Attack[] = [
  firstPage("the root of another workspace, first", "trust.workspace", async () => ({
    root: (await otherRoot()).signed,
    statements: [],
  })),
  firstPage("the pinned root, signed by another setup key", "trust.setup_key", async ({ town }) => {
    const body = Buffer.from(town.world.root.root, "base64url");
    return { root: { ...town.world.root, setupSignature: await town.mallory.key.sign("root", body) }, statements: [] };
  }),
  firstPage("the pinned root with the sign-in of another workspace", "trust.session", async ({ town }) => ({
    root: { ...town.world.root, session: (await otherRoot()).signed.session },
    statements: [],
  })),
  firstPage("statements before a root", "trust.no_root", ({ town }) => ({
    statements: town.world.statements.slice(0, 1),
  })),
  firstPage("a chain with a statement left out", "trust.place", (scene) => ({
    root: scene.town.world.root,
    statements: without(scene.town.world.statements[3]?.statement ?? "", scene),
  })),
];

function firstPage(name: string, rule: string, make: (scene: Scene) => Promise<TrustPage> | TrustPage): Attack {
  return {
    class: "trust log",
    name,
    rule,
    run: at("fresh", async (scene, mark) => {
      scene.tunnel.send({ kind: "trust", page: await make(scene) });
      const line = await scene.happenings.first(mark, (item) =>
        item.kind === "log" && VERDICTS.has(String(item.line["event"])) ? item.line : undefined,
      );
      return line === undefined ? "silence" : `trust.${String(line["code"])}`;
    }),
  };
}

/** The host is in quarantine: its trust log holds every person and does not admit it. */
async function quarantined(scene: Scene): Promise<void> {
  const { world } = scene.town;
  const admission = world.statements.findIndex((one) =>
    utf8Text(Buffer.from(one.statement, "base64url")).includes('"kind":"host.admit"'),
  );
  scene.directory.forgetTrust();
  await scene.restartAgent();
  await scene.join({ root: world.root, statements: world.statements.slice(0, admission) });
}

const quarantine: readonly Attack[] = [
  {
    class: "quarantine",
    name: "a request for a challenge to a host that nobody admitted",
    rule: "target",
    async run(scene) {
      await quarantined(scene);
      const answer = await scene.prepare(scene.town.actors.otto);
      return typeof answer === "string" ? answer : "prepared";
    },
  },
  {
    class: "quarantine",
    name: "a command to a host that nobody admitted",
    rule: "target",
    async run(scene) {
      await quarantined(scene);
      return scene.deliver((await scene.seal(scene.draftWith(scene.town.actors.otto, nonceOf("challenge")))).bytes);
    },
  },
];

/** A host that an administrator removed obeys nobody any more, whatever else the edge tells it. */
async function removed(scene: Scene): Promise<Outcome> {
  await advance(scene, "joined");
  const { world, actors } = scene.town;
  const mark = scene.happenings.mark;
  const statement = await stated(
    { state: world.state, by: actors.ada.passkey },
    { kind: "host.remove", body: { host: world.host } },
  );
  scene.tunnel.send({ kind: "trust", page: { statements: [statement] } });
  scene.tunnel.send({ kind: "trust", page: scene.wholeTrust() });
  const answer = await scene.prepare(actors.otto, {}, mark);
  scene.directory.forgetTrust(); // the next attack begins before this statement
  return typeof answer === "string" ? answer : "prepared";
}

/** After a restart the edge tells an older state, in which rex was an operator. */
const rollback: readonly Attack[] = [
  {
    class: "trust log",
    name: "an older trust log after a restart, for somebody whose role ended",
    rule: "role",
    async run(scene) {
      // Whatever an attack before this one left out, the host has seen the newest state before the edge goes back.
      await scene.restartAgent();
      await scene.join();
      await scene.restartAgent();
      await scene.join({ root: scene.town.world.root, statements: [...scene.town.before.statements] });
      const answer = await scene.prepare(scene.town.actors.rex);
      return typeof answer === "string" ? answer : "prepared";
    },
  },
];

export const trustAttacks: readonly Attack[] = [
  ...statements,
  ...rollback,
  { class: "quarantine", name: "a request for a challenge to a host that was removed", rule: "target", run: removed },
  ...first,
  ...quarantine,
];
