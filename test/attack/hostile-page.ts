/**
 * A page that the malicious edge serves, on an address of the edge, gets G honest touches of somebody who believes it:
 * whatever it asks the authenticator to sign is signed, for that page's origin, as a browser writes it. It may make of
 * that whatever it likes. More than G daily intents, one critical operation or one believed statement is a finding.
 */
import { toBase64url } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import type { Asserted } from "../../protocol/messages.ts";
import { digestOf, type Signer } from "../../protocol/signing.ts";
import { signerOf } from "../fixtures/keys.ts";
import { said, type Said } from "../fixtures/team.ts";
import { asserted, hostBodyOf, type Fields } from "../fixtures/workspace.ts";
import { twiceAtMost, type Result } from "./attack.ts";
import { dispatched } from "./captured.ts";
import { DRILL, freshNonce, type Outcome, type Scene } from "./scene.ts";
import { dailyActor, teamOf, type TeamName } from "./team-town.ts";
import { sessionBody, wallNow, type Actor } from "./town.ts";
import { advance, trustFate } from "./stages.ts";

const CHECK = "host.check@1";

interface Parts {
  readonly approvals: readonly Asserted[];
  readonly signer?: Signer;
  readonly successor?: Asserted;
  readonly proposal?: { readonly body: string; readonly approvals: readonly Asserted[] };
  /** Another sign-in than this page's. */
  readonly session?: Asserted;
}

/** Somebody at an authenticator who touches whatever a page of the edge asks for. */
export type Hand = (actor: Actor, kind: "session" | "approval", body: Uint8Array) => Promise<Asserted>;

/** As a browser and an authenticator would write it. */
const inSoftware: Hand = ({ passkey }, kind, body) => asserted(passkey, kind, { body });

interface Sitting {
  readonly touches: number;
  readonly hand: Hand;
}

class Page {
  readonly scene: Scene;
  readonly actor: Actor;
  readonly #hand: Hand;
  left: number;
  critical = 0;
  statements = 0;
  #certificate: Asserted | undefined;

  constructor(scene: Scene, actor: Actor, { touches, hand }: Sitting) {
    this.scene = scene;
    this.actor = actor;
    this.left = touches;
    this.#hand = hand;
  }

  get workspace(): string {
    return this.scene.town.world.workspace;
  }

  /** One honest touch, over anything. */
  async touch(kind: "session" | "approval", body: Fields): Promise<Asserted> {
    if (this.left === 0) throw new TypeError("hostile page: nobody touches any more");
    this.left -= 1;
    return this.#hand(this.actor, kind, encodeCanonical(body));
  }

  approve(kind: string, subject: string, more: Fields = {}): Promise<Asserted> {
    const time = kind === "intent" ? { after: 1 } : { at: wallNow() };
    const body = { v: 1, workspace: this.workspace, kind, subject, decision: "approve", ...time, ...more };
    return this.touch("approval", body);
  }

  /** The sign-in of before: without it the page could do even less. */
  async certificate(): Promise<Asserted> {
    this.#certificate ??= await asserted(this.actor.passkey, "session", {
      body: encodeCanonical(this.actor.session),
    });
    return this.#certificate;
  }

  /** An intent of the page's own making, on a live challenge. */
  async intent(operation = CHECK, change: Fields = {}): Promise<Uint8Array> {
    const { scene, actor, workspace } = this;
    const held = await scene.keep(`${actor.digest} ${operation}`, () => this.#prepare(operation));
    const challenge = typeof held === "string" ? freshNonce() : held.challenge;
    const { host, state } = scene.town.world;
    const target = { host, challenge, iat: wallNow() - 1, expect: {}, sealed: [] };
    return encodeCanonical({
      v: 1,
      workspace,
      actor: { session: actor.digest },
      operation,
      args: operation === DRILL ? { scenario: "lost-device" } : {},
      targets: [target],
      trustHead: state.head,
      ttl: 120,
      id: freshNonce(),
      ...change,
    });
  }

  async #prepare(operation: string) {
    const { scene, actor, workspace } = this;
    const { host } = scene.town.world;
    const body = { v: 1, workspace, host, actor: { session: actor.digest }, operation, jti: freshNonce() };
    const bytes = encodeCanonical(body);
    const session = toBase64url(encodeCanonical(await this.certificate()));
    const prepare = { body: toBase64url(bytes), signature: await actor.sessionKey.sign("prepare", bytes) };
    return scene.prepareRaw(prepare, session);
  }

  async deliver(intent: Uint8Array, { approvals, signer = this.actor.sessionKey, ...more }: Parts): Promise<Outcome> {
    const submission = {
      intent: toBase64url(intent),
      sessionSignature: await signer.sign("intent", intent),
      session: await this.certificate(),
      approvals,
      sealed: [],
      ...more,
    };
    const outcome = await this.scene.deliver(await dispatched(this.scene, submission));
    if (outcome !== "executed") return outcome;
    const { operation } = JSON.parse(new TextDecoder().decode(intent)) as { readonly operation: string };
    if (operation === DRILL) this.critical += 1;
    this.scene.letGo({ id: this.actor.digest }, operation);
    return outcome;
  }

  /** A statement under a touch of this page; told whether the host believed it. */
  async tell(one: Said): Promise<Outcome> {
    const { head } = this.scene.town.world.state;
    const prev = { n: head.n, hash: head.hash };
    const about = { v: 1, workspace: this.workspace, prev, revoked: head.revoked, at: wallNow() };
    const bytes = encodeCanonical({ ...about, ...one });
    const approvals = [await this.approve("statement", digestOf("statement", bytes))];
    const mark = this.scene.happenings.mark;
    const statement = { statement: toBase64url(bytes), approvals };
    this.scene.tunnel.send({ kind: "trust", page: { statements: [statement] } });
    const outcome = await trustFate(this.scene, mark);
    await advance(this.scene, "joined"); // refused statements cost the tunnel
    if (!outcome.startsWith("trust.")) this.statements += 1;
    return outcome;
  }
}

function digestOfIntent(intent: Uint8Array): string {
  return digestOf("intent", intent);
}

interface Trick {
  readonly name: string;
  /** True where every touch is worth its daily intent: the bound is reached, not only kept. */
  readonly isTight?: boolean;
  /** Uses at least one touch. */
  run(page: Page): Promise<void>;
}

const tricks: readonly Trick[] = [
  {
    name: "a command for every touch",
    isTight: true,
    async run(page) {
      const intent = await page.intent();
      await page.deliver(intent, { approvals: [await page.approve("intent", digestOfIntent(intent))] });
    },
  },
  {
    name: "one touch for several commands",
    isTight: true,
    async run(page) {
      const intent = await page.intent();
      const approvals = [await page.approve("intent", digestOfIntent(intent))];
      await page.deliver(intent, { approvals });
      for (let i = 0; i < 3; i += 1) await page.deliver(await page.intent(), { approvals });
      await page.deliver(intent, { approvals });
      await page.deliver(await page.intent("gateway.restart@1"), { approvals });
    },
  },
  {
    name: "a touch that names the page's own next key",
    isTight: true,
    async run(page) {
      const signer = await signerOf("hostile page");
      const intent = await page.intent();
      const nextSessionKey = { session: page.actor.digest, key: signer.publicKey };
      const approval = await page.approve("intent", digestOfIntent(intent), { nextSessionKey });
      await page.deliver(intent, { approvals: [approval] });
      for (const approvals of [[approval], []])
        await page.deliver(await page.intent(), { approvals, signer, successor: approval });
    },
  },
  {
    name: "a touch that names the page's key as next of the session in the signer",
    async run(page) {
      const { scene, actor, workspace } = page;
      const { host } = scene.town.world;
      const signer = await signerOf("hostile page");
      const inSigner = Object.values(teamOf(scene).actors).find(({ id }) => id === actor.id) ?? actor;
      const session = await asserted(inSigner.passkey, "session", { body: encodeCanonical(inSigner.session) });
      const named = { session: inSigner.digest };
      const successor = await page.approve("intent", freshNonce(), {
        nextSessionKey: { ...named, key: signer.publicKey },
      });
      const ask = encodeCanonical({ v: 1, workspace, host, actor: named, operation: DRILL, jti: freshNonce() });
      const prepare = { body: toBase64url(ask), signature: await signer.sign("prepare", ask) };
      const certificate = toBase64url(encodeCanonical(session));
      const next = toBase64url(encodeCanonical(successor));
      const prepared = await scene.keep(`${inSigner.digest} succeeded`, () =>
        scene.prepareRaw(prepare, certificate, { successor: next }),
      );
      const challenge = typeof prepared === "string" ? freshNonce() : prepared.challenge;
      const target = { host, challenge, iat: wallNow() - 1, expect: {}, sealed: [] };
      const drill = await page.intent(DRILL, { actor: named, targets: [target] });
      const approvals = page.left > 0 ? [await page.approve("intent", digestOfIntent(drill))] : [successor];
      await page.deliver(drill, { approvals, signer, successor, session });
    },
  },
  {
    name: "a sign-in that is an approval as well",
    async run(page) {
      const signer = await signerOf("hostile page's session");
      const body = sessionBody(page.scene.town.world, signer.publicKey, {
        nonce: freshNonce(),
        origin: page.actor.session["origin"],
      });
      const signedIn = await page.touch("session", body);
      const intent = await page.intent();
      const approval = {
        v: 1,
        workspace: page.workspace,
        kind: "intent",
        subject: digestOfIntent(intent),
        decision: "approve",
        after: 1,
      };
      await page.deliver(intent, { approvals: [signedIn] });
      await page.deliver(intent, { approvals: [{ ...signedIn, body: toBase64url(encodeCanonical(approval)) }] });
    },
  },
  {
    name: "one intent for many hosts, again and again",
    async run(page) {
      const { world, lab } = teamOf(page.scene);
      const one = await page.intent();
      const { targets } = JSON.parse(new TextDecoder().decode(one)) as { readonly targets: readonly Fields[] };
      const [target] = targets;
      const both = [
        { ...target, host: world.host },
        { ...target, host: lab.host },
      ];
      const sorted = both.toSorted((a, b) => (a.host < b.host ? -1 : 1));
      const fleet = await page.intent(CHECK, { targets: sorted });
      const approvals = [await page.approve("intent", digestOfIntent(fleet))];
      for (let i = 0; i < 3; i += 1) await page.deliver(fleet, { approvals });
      await page.deliver(await page.intent(CHECK, { targets: sorted }), { approvals });
    },
  },
  {
    name: "copies of one command, all at once",
    isTight: true,
    async run(page) {
      const intent = await page.intent();
      const approvals = [await page.approve("intent", digestOfIntent(intent))];
      await Promise.all(Array.from({ length: 8 }, () => page.deliver(intent, { approvals })));
    },
  },
  ...(["session-end", "edge-action", "statement", "proposal"] as const).map((kind): Trick => ({
    name: `a touch of kind ${kind} over a command`,
    async run(page) {
      const intent = await page.intent();
      await page.deliver(intent, { approvals: [await page.approve(kind, digestOfIntent(intent))] });
    },
  })),
  {
    name: "a critical command",
    async run(page) {
      const intent = await page.intent(DRILL);
      await page.deliver(intent, { approvals: [await page.approve("intent", digestOfIntent(intent))] });
    },
  },
  {
    name: "a critical command's proposal, and the command",
    async run(page) {
      const intent = await page.intent(DRILL);
      const { host } = page.scene.town.world;
      const body = encodeCanonical({
        v: 1,
        workspace: page.workspace,
        operation: DRILL,
        args: { scenario: "lost-device" },
        targets: [{ host, expect: {} }],
        exp: wallNow() + 3_600,
        id: freshNonce(),
      });
      const first = await page.approve("proposal", digestOf("proposal", body));
      const proposal = { body: toBase64url(body), approvals: [first] };
      const named = await page.intent(DRILL, { proposal: digestOf("proposal", body) });
      await page.deliver(named, { approvals: [first], proposal });
      if (page.left > 0)
        await page.deliver(named, { approvals: [await page.approve("intent", digestOfIntent(named))], proposal });
      await page.deliver(intent, { approvals: [first] });
    },
  },
  { name: "statements", run: (page) => statement(page).then(() => undefined) },
];

/** Each touch another statement that would be worth having. */
async function statement(page: Page): Promise<Outcome> {
  const { mallory, actors } = teamOf(page.scene);
  const key = mallory.key.publicKey;
  const body = { id: "p-new", name: freshNonce(), roles: ["admin"], credentials: [mallory.passkey.pinned] };
  const wanted: readonly Said[] = [
    said("dispatch-key.rotate", { key }),
    said("credential.add", { person: page.actor.id, ...mallory.passkey.pinned }),
    said("person.add", body),
    said("person.revoke", { person: actors.cyd.id }),
    said("role.assign", { person: page.actor.id, roles: ["admin"] }),
    said("host.admit", await hostBodyOf("mallory's host")),
    said("credential.revoke", { credential: page.actor.passkey.pinned.credentialId }),
  ];
  return page.tell(wanted[page.left % wanted.length] ?? said("dispatch-key.rotate", { key }));
}

export interface PageReport {
  readonly touches: number;
  readonly daily: number;
  readonly critical: number;
  readonly statements: number;
}

const BUDGETS = [1, 3, 10] as const;
const PEOPLE: readonly TeamName[] = ["otto", "ada"];

export interface Outcomes {
  readonly results: readonly Result[];
  /** The most that any trick got out of so many touches. */
  readonly pages: readonly PageReport[];
}

export interface Sittings {
  /** Where the page runs, in the name of the class. */
  readonly place?: string;
  readonly budgets?: readonly number[];
  readonly hand?: Hand;
}

export async function attackByPage(scene: Scene, sittings: Sittings = {}): Promise<Outcomes> {
  const { place = "", budgets = BUDGETS, hand = inSoftware } = sittings;
  const results: Result[] = [];
  const pages: PageReport[] = [];
  for (const touches of budgets) {
    const reports: PageReport[] = [];
    for (const person of PEOPLE) {
      const actor = await dailyActor(scene, person, `page of ${person}`);
      for (const trick of tricks) {
        const named = { class: classOf(place, touches), name: `${trick.name}, ${person}'s` };
        const result = await twiceAtMost(async () => {
          const report = await play(scene, trick, new Page(scene, actor, { touches, hand }));
          reports.push(report);
          return { ...named, ...judge(trick, report) };
        });
        results.push(result);
      }
    }
    pages.push({
      touches,
      daily: Math.max(...reports.map(({ daily }) => daily)),
      critical: reports.reduce((sum, { critical }) => sum + critical, 0),
      statements: reports.reduce((sum, { statements }) => sum + statements, 0),
    });
  }
  return { results, pages };
}

function classOf(place: string, touches: number): string {
  return `hostile page${place}, ${String(touches)} ${touches === 1 ? "touch" : "touches"}`;
}

async function play(scene: Scene, trick: Trick, page: Page): Promise<PageReport> {
  const touches = page.left;
  const before = scene.happenings.executions;
  while (page.left > 0) await trick.run(page);
  const ran = scene.happenings.executions - before;
  const { critical, statements } = page;
  return { touches, daily: ran - critical, critical, statements };
}

const KEPT = "at most a daily intent a touch";

function judge(trick: Trick, report: PageReport): Pick<Result, "rule" | "outcome" | "executed"> {
  const { touches, daily, critical, statements } = report;
  const beyond = Math.max(0, daily - touches) + critical + statements;
  const isIdle = trick.isTight === true && daily !== touches;
  const got = `${String(daily)} daily, ${String(critical)} critical, ${String(statements)} statements`;
  return { rule: KEPT, outcome: beyond > 0 || isIdle ? got : KEPT, executed: beyond };
}
