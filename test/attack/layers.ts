/**
 * The six layers of a host, one by one: for each, attacks by somebody who holds valid material for the other five. The
 * agent as it ships must refuse them all by the named rule; an agent built without exactly that layer's check must run
 * every one of them, otherwise the attack would prove nothing about the layer.
 */
import { randomUUID } from "node:crypto";
import path from "node:path";
import { FLAGS } from "../fixtures/authenticator.ts";
import { nonceOf } from "../fixtures/keys.ts";
import { fingerprintOf, type Fields } from "../fixtures/workspace.ts";
import { buildAgent, type Cut } from "./agent-build.ts";
import { attempt, bent, isAsNamed, touchOf, type Attack, type Bend, type Result } from "./attack.ts";
import { dispatched, treeOf } from "./captured.ts";
import type { TlsMaterial } from "./malicious-edge.ts";
import { Scene, type Outcome } from "./scene.ts";
import { servers } from "./servers.ts";
import { stolenName, swapKey } from "./sessions.ts";
import { wallNow, type Actor, type ActorName, type Town } from "./town.ts";

const VERIFY = "protocol/verify.ts";

interface Layer {
  readonly layer: string;
  /** The check of this layer, in all its places. */
  readonly cuts: readonly Cut[];
  readonly attacks: readonly LayerAttack[];
}

interface LayerAttack {
  readonly name: string;
  readonly rule: string;
  /** Sets its own scene: for attacks on the connection itself. */
  readonly alone?: (stand: Stand) => Promise<Result>;
  readonly run?: Attack["run"];
  /** On an agent to which a restart is critical: the product's table has no critical operation yet. */
  readonly isCritical?: boolean;
}

/** What an attack on the connection needs to set its scene. */
interface Stand {
  readonly town: Town;
  readonly tls: TlsMaterial;
  readonly program: string;
}

function without(file: string, from: string, to = ""): Cut {
  return { file, from, to };
}

/** Everything that a proper command needs, over whatever connection the agent has opened. */
async function command(scene: Scene, welcome: Fields, dispatch: Fields): Promise<Outcome> {
  await scene.meet();
  await scene.greet();
  const mark = scene.happenings.mark;
  scene.tunnel.send({ kind: "trust", page: scene.wholeTrust() });
  scene.tunnel.send({ kind: "welcome", signed: await scene.welcome(welcome) });
  const isOpen = await scene.happenings.first(mark, (item) => {
    if (item.kind === "closed") return false;
    return item.kind === "frame" && item.frame.kind === "trust-ack" ? true : undefined;
  });
  if (isOpen !== true) return scene.closing(mark);
  const draft = await scene.draft(scene.town.actors.otto);
  Object.assign(draft.dispatch.body, dispatch);
  return scene.deliver((await scene.seal(draft)).bytes);
}

interface ConnectionRow {
  readonly name: string;
  readonly rule: string;
  /** Name of the server that answers; the honest one when absent. */
  readonly server?: string;
  /** Members of welcome and dispatch that the attacker writes. */
  readonly relayed?: Fields;
}

function connection({ name, rule, server, relayed = {} }: ConnectionRow): LayerAttack {
  return {
    name,
    rule,
    alone: async ({ town, tls, program }) => {
      const row = servers.find((one) => one.name === server);
      const scene = await Scene.set({
        town,
        tls,
        program,
        ...(row === undefined ? {} : { listening: await row.listen(tls) }),
      });
      try {
        const refused = scene.happenings.first(0, (item) =>
          item.kind === "log" &&
          item.line["event"] === "tunnel_closed" &&
          String(item.line["code"]).match(/CERT|LEAF/) !== null
            ? `tls.${String(item.line["code"])}`
            : undefined,
        );
        const outcome = (await Promise.race([command(scene, relayed, relayed), refused])) ?? "silence";
        return { class: "layer", name, rule, outcome, executed: scene.canary.restarts };
      } finally {
        await scene.close();
      }
    },
  };
}

const RELAYED = { certFingerprint: fingerprintOf("the attacker's own certificate") };
const FOREIGN = "a server of another authority";
const OTHER_NAME = "the right authority, another name";

function row(name: string, rule: string, bend: Bend): LayerAttack {
  return { name, rule, run: bent(bend) };
}

/** Somebody whose own passkey, session and touch are all in order, from the request for a challenge on. */
function allBy(name: ActorName, rule: string): LayerAttack {
  return {
    name: `${name} alone, everything properly signed`,
    rule,
    async run(scene) {
      const actor: Actor = scene.town.actors[name];
      const prepared = await scene.prepare(actor);
      if (typeof prepared === "string") return prepared;
      return scene.deliver((await scene.seal(scene.draftWith(actor, prepared.challenge))).bytes);
    },
  };
}

const layers: readonly Layer[] = [
  {
    layer: "1 mutual TLS",
    cuts: [
      without(
        "agent/host/link/socket.ts",
        "perMessageDeflate: false,",
        "perMessageDeflate: false, rejectUnauthorized: false,",
      ),
      without("agent/host/warden/connection.ts", "welcome.certFingerprint === context.certFingerprint &&"),
      without(VERIFY, "dispatch.certFingerprint === view.certFingerprint", "true"),
    ],
    attacks: [
      connection({ name: FOREIGN, rule: "tls.UNABLE_TO_VERIFY_LEAF_SIGNATURE", server: FOREIGN }),
      connection({ name: OTHER_NAME, rule: "tls.ERR_TLS_CERT_ALTNAME_INVALID", server: OTHER_NAME }),
      connection({
        name: "a server of another authority that relays",
        rule: "tls.UNABLE_TO_VERIFY_LEAF_SIGNATURE",
        server: FOREIGN,
        relayed: RELAYED,
      }),
      connection({
        name: "the tunnel relayed over the attacker's own certificate",
        rule: "tunnel.edge_unproven",
        relayed: RELAYED,
      }),
    ],
  },
  {
    layer: "2 dispatch signature",
    cuts: [
      without(VERIFY, "await judgeDispatch(envelope, digest, view);"),
      without(
        "agent/host/warden/connection.ts",
        'if (!(await this.#isProven(signed, state))) throw new TunnelViolation("edge_unproven");',
      ),
    ],
    attacks: [
      row(
        "signed by the attacker",
        "dispatch",
        (draft, { scene }) => void (draft.dispatch.signer = scene.town.mallory.key),
      ),
      row(
        "signed by the ledger key",
        "dispatch",
        (draft, { scene }) => void (draft.dispatch.signer = scene.town.world.keys.ledger),
      ),
      row(
        "for another tunnel",
        "dispatch",
        (draft) => void (draft.dispatch.body["tunnel"] = nonceOf("another tunnel")),
      ),
      row(
        "for another intent",
        "dispatch",
        (draft) => void (draft.dispatch.body["intent"] = nonceOf("another intent")),
      ),
    ],
  },
  {
    layer: "3 session key",
    cuts: [
      without(
        VERIFY,
        "await judgeSession(envelope, intent, view)",
        `{ ...sessionCodec.decode(fromBase64url(envelope.session.body)),
           person: view.trust.credentials.get(envelope.session.assertion.credentialId)?.person ?? "" }`,
      ),
    ],
    attacks: [
      row(
        "signed by the attacker's key",
        "session_key",
        (draft, { scene }) => void (draft.sessionSigner = scene.town.mallory.key),
      ),
      row("the attacker's key in the certificate", "session_key", swapKey),
      row("certificate made by the attacker under the person's credential id", "session.signature", stolenName),
      row(
        "sign-in without user verification",
        "session.user_verification",
        (draft) => void (draft.session.knobs = { flags: FLAGS.UP }),
      ),
      row("a session that ended", "session_lifetime", (draft, { actor }) => {
        draft.intent["actor"] = { session: actor.digest };
        Object.assign(draft.session.body, { iat: wallNow() - 7_200, exp: wallNow() - 400 });
      }),
    ],
  },
  {
    layer: "4 step-up",
    cuts: [
      without(
        VERIFY,
        "await judgeApprovals(envelope, digest, view.trust)",
        '[{ person: session.person, origin: { origin: "", rpId: "", class: "signer" as const }, after: 0 }]',
      ),
    ],
    attacks: [
      row("nobody approved", "approval_missing", (draft) => void (draft.approvals = [])),
      row(
        "the attacker's passkey under the person's credential id",
        "approval.signature",
        (_draft, { touch, scene, actor }) => {
          touch.passkey = scene.town.mallory.passkey;
          touch.knobs = { credentialId: actor.passkey.pinned.credentialId };
        },
      ),
      row(
        "without user verification",
        "approval.user_verification",
        (_draft, { touch }) => void (touch.knobs = { flags: FLAGS.UP }),
      ),
      row(
        "approval of another intent",
        "approval_subject",
        (_draft, { touch }) => void (touch.body["subject"] = nonceOf("another intent")),
      ),
      row(
        "touched on a foreign page",
        "approval.origin",
        (_draft, { touch }) => void (touch.knobs = { origin: "https://evil.example" }),
      ),
      row(
        "touched inside a foreign page",
        "approval.cross_origin",
        (_draft, { touch }) => void (touch.knobs = { crossOrigin: true }),
      ),
    ],
  },
  {
    layer: "5 role and class",
    cuts: [
      without(VERIFY, "judgeAuthority({ operation, hosts: [view.host], session, approvals }, view.trust);"),
      without(VERIFY, 'if (!hasPermission(view.trust, session.person, { permission })) throw new Refused("role");'),
      without(
        VERIFY,
        'if (!hasPermission(view.trust, session.person, { permission, host: view.host })) throw new Refused("host_scope");',
      ),
      without(
        VERIFY,
        'if (approvals.some((approval) => approval.origin.class !== "signer")) throw new Refused("class_origin");',
      ),
    ],
    attacks: [
      allBy("vera", "role"),
      allBy("rex", "role"),
      allBy("scot", "host_scope"),
      row(
        "a viewer's touch on an operator's command",
        "role",
        (_draft, { touch, scene }) => void (touch.passkey = scene.town.actors.vera.passkey),
      ),
      row(
        "an administrator's touch on an operator's command",
        "people",
        (_draft, { touch, scene }) => void (touch.passkey = scene.town.actors.ada.passkey),
      ),
      {
        ...row(
          "a critical operation, touched on a page of the edge",
          "class_origin",
          (draft, { actor }) => void (touchOf(draft).passkey = actor.daily),
        ),
        isCritical: true,
      },
    ],
  },
  {
    layer: "6 freshness and local policy",
    cuts: [
      without(VERIFY, 'if (view.isKnown(digest)) return { kind: "known", digest };'),
      without(VERIFY, "judgeChallenge(intent, target, view);"),
      without(VERIFY, 'if (view.denies(name)) throw new Refused("local_policy");'),
      without(
        VERIFY,
        "judgeClock({ target, ttl: intent.ttl, after: approvals.at(-1)?.after ?? Number.NaN }, view.now);",
      ),
      without(
        VERIFY,
        'return pinned === undefined || pinned === observed.gatewayBoot ? undefined : "expect";',
        "return undefined;",
      ),
      without(
        "agent/host/warden/commands.ts",
        'if (!this.#context.challenges.consume(command.target.challenge)) return refuse("challenge");',
        "this.#context.challenges.consume(command.target.challenge);",
      ),
      without(
        "agent/host/warden/journal.ts",
        'if (this.#intents.has(entry.intent)) throw new TypeError("journal: an intent is begun once");',
      ),
    ],
    attacks: [
      {
        name: "an executed command again",
        rule: "known",
        async run(scene) {
          const { otto } = scene.town.actors;
          const { sealed } = await scene.honest(otto);
          return scene.deliver(await dispatched(scene, treeOf(sealed.bytes)));
        },
      },
      row(
        "a challenge that this host never made",
        "challenge",
        (draft) => void (draft.target["challenge"] = nonceOf("made up")),
      ),
      row("approved an hour ago", "clock", (draft) => void (draft.target["iat"] = wallNow() - 3_600)),
      row(
        "another gateway boot than the person saw",
        "expect",
        (draft) => void (draft.target["expect"] = { gatewayBoot: "boot-999999" }),
      ),
      {
        name: "an operation that the owner of the machine denies",
        rule: "local_policy",
        async run(scene) {
          scene.directory.deny(["gateway.*"]);
          try {
            return await bent(() => undefined)(scene);
          } finally {
            scene.directory.deny([]);
          }
        },
      },
    ],
  },
];

const CRITICAL: Cut = {
  file: "protocol/operations.ts",
  from: '"gateway.restart@1": {\n    class: "daily",',
  to: '"gateway.restart@1": {\n    class: "critical",',
};

export interface LayerReport {
  readonly layer: string;
  readonly attacks: number;
  readonly executed: number;
  /** How many of the attacks run when this layer's check is cut out of the agent. */
  readonly executedWithoutLayer: number;
  /** What the shipped agent answered. */
  readonly results: readonly Result[];
  /** Attacks that did not run without the layer: they prove nothing about it. */
  readonly idle: readonly string[];
}

export interface LayerOptions extends Stand {
  /** Where builds may be put. */
  readonly directory: string;
}

export function layerTasks(options: LayerOptions): readonly (() => Promise<LayerReport>)[] {
  return layers.map((layer) => () => runLayer(layer, options));
}

async function runLayer({ layer, cuts, attacks }: Layer, options: LayerOptions): Promise<LayerReport> {
  const results: Result[] = [];
  const idle: string[] = [];
  let executedWithoutLayer = 0;
  for (const isCritical of [false, true]) {
    const some = attacks.filter((attack) => (attack.isCritical ?? false) === isCritical);
    if (some.length === 0) continue;
    const base = isCritical ? [CRITICAL] : [];
    const shipped = isCritical ? await build(options, base) : options.program;
    results.push(...(await runAll(some, { ...options, program: shipped }, layer)));
    const cut = await runAll(some, { ...options, program: await build(options, [...base, ...cuts]) }, layer);
    executedWithoutLayer += cut.filter((result) => result.executed > 0).length;
    idle.push(...cut.filter((result) => result.executed === 0).map((result) => `${result.name}: ${result.outcome}`));
  }
  const executed = results.reduce((sum, result) => sum + result.executed, 0);
  return { layer, attacks: attacks.length, executed, executedWithoutLayer, results, idle };
}

function build({ directory }: LayerOptions, cuts: readonly Cut[]): Promise<string> {
  return buildAgent(path.join(directory, randomUUID()), cuts);
}

async function runAll(attacks: readonly LayerAttack[], stand: Stand, layer: string): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const { alone } of attacks) if (alone !== undefined) results.push({ ...(await alone(stand)), class: layer });
  const shared = attacks.filter(({ run }) => run !== undefined);
  if (shared.length === 0) return results;
  const scene = await Scene.open(stand);
  try {
    for (const { name, rule, run } of shared) {
      if (run === undefined) continue;
      const result = await attempt({ class: layer, name, rule, run }, scene);
      results.push(result);
      // On an agent without the layer the attack ran and spent the challenge.
      if (result.executed > 0) scene.letGo(scene.town.actors.otto);
    }
  } finally {
    await scene.close();
  }
  return results;
}

export function isProven(report: LayerReport): boolean {
  return report.idle.length === 0 && report.results.every(isAsNamed);
}
