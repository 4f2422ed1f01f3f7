/**
 * The table of the six layers: what somebody who holds valid material for the other five tries against each, and where
 * in the source each layer's check stands. May not: run anything; layers.ts does.
 */
import { FLAGS } from "../fixtures/authenticator.ts";
import { nonceOf } from "../fixtures/keys.ts";
import { fingerprintOf, type Fields } from "../fixtures/workspace.ts";
import type { Cut } from "./agent-build.ts";
import { bent, outcomeOf, type Attack, type Bend, type Result } from "./attack.ts";
import { dispatched, treeOf } from "./captured.ts";
import type { TlsMaterial } from "./malicious-edge.ts";
import { DRILL, Scene, type Outcome, type SceneOptions } from "./scene.ts";
import { servers } from "./servers.ts";
import { stolenName, swapKey } from "./sessions.ts";
import { wallNow, type Actor, type ActorName, type Town } from "./town.ts";

const VERIFY = "protocol/verify.ts";
const AUTHOR = "protocol/verify/author.ts";

export interface Layer {
  readonly layer: string;
  /** The check of this layer, in all its places. */
  readonly cuts: readonly Cut[];
  readonly attacks: readonly LayerAttack[];
}

export interface LayerAttack {
  readonly name: string;
  readonly rule: string;
  /** Sets its own scene: for attacks on the connection itself. */
  readonly alone?: (stand: Stand) => Promise<Result>;
  readonly run?: Attack["run"];
}

/** What an attack on the connection needs to set its scene. */
export interface Stand {
  readonly town: Town;
  readonly tls: TlsMaterial;
  /** The built agent. */
  readonly program: string;
  /** In how many processes; one when absent. */
  readonly agent?: SceneOptions["agent"];
}

export function cut(file: string, from: string, to = ""): Cut {
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
        const commanded = outcomeOf(() => command(scene, relayed, relayed));
        const outcome = (await Promise.race([commanded, refused])) ?? "silence";
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

export const layers: readonly Layer[] = [
  {
    layer: "1 mutual TLS",
    cuts: [
      cut("agent/host/link/dial.ts", 'minVersion: "TLSv1.3",', 'minVersion: "TLSv1.3", rejectUnauthorized: false,'),
      cut("agent/host/warden/connection.ts", "welcome.certFingerprint === certFingerprint &&"),
      cut(VERIFY, "dispatch.certFingerprint === view.certFingerprint", "true"),
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
      cut(VERIFY, "await judgeDispatch(envelope, digest, view);"),
      cut(
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
      cut(
        AUTHOR,
        "const session = await judgeCertificate(message.session, named, view);",
        `const session = { ...sessionCodec.decode(fromBase64url(message.session.body)), digest: named,
           person: view.trust.credentials.get(message.session.assertion.credentialId)?.person ?? "" };`,
      ),
      cut(
        AUTHOR,
        'if (!(await verifySignature({ kind, body, signature, publicKey }))) throw new Refused("session_key");',
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
      cut(
        VERIFY,
        "return judgeApprovals(submission, read, trust);",
        `{ const person = trust.credentials.get(submission.session.assertion.credentialId)?.person ?? "";
           return { touches: [{ person, origin: { origin: "", rpId: "", class: "signer" } }], after: 0 }; }`,
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
      cut(VERIFY, "judgeMandate({ intent, operation, host: view.host, author, approvals }, view);"),
      cut(VERIFY, "judgeAsking(prepare.operation, author, view);"),
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
        name: "a critical operation, touched on a page of the edge",
        rule: "class_origin",
        run: bent((_draft, { touch, actor }) => void (touch.passkey = actor.daily), "ada", DRILL),
      },
    ],
  },
  {
    layer: "6 freshness and local policy",
    cuts: [
      cut(VERIFY, 'if (known !== undefined) return { kind: "known", digest: known };'),
      cut(VERIFY, "judgeChallenge(intent, target, view);"),
      cut(VERIFY, 'if (view.denies(name)) throw new Refused("local_policy");'),
      cut(VERIFY, "judgeClock({ target, ttl: intent.ttl, approvals }, view);"),
      cut(VERIFY, 'return holdsAll ? undefined : "expect";', "return undefined;"),
      cut(
        "agent/host/warden/commands.ts",
        'if (!this.#context.challenges.consume(command.target.challenge)) return refuse("challenge");',
        "this.#context.challenges.consume(command.target.challenge);",
      ),
      cut(
        "agent/host/warden/journal.ts",
        `if (this.known(entry.intent, entry.proposal) !== undefined)
           throw new TypeError("journal: an intent, and a proposal, is begun once");`,
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
