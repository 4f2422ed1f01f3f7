/**
 * Attacks on the form and on the edge's own layer: captured envelopes altered and signed again with the dispatch key,
 * deliveries for other tunnels, other spellings of one message, and inputs that no honest sender writes.
 */
import { concatBytes, fromBase64url, toBase64url, utf8, utf8Text } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { MAX_ENVELOPE_BYTES } from "../../protocol/limits.ts";
import type { Signer } from "../../protocol/signing.ts";
import { fingerprintOf, type Fields } from "../fixtures/workspace.ts";
import { flipBase64url, nonceOf } from "../fixtures/keys.ts";
import type { Attack } from "./attack.ts";
import { dispatched, innerTree, treeOf, withIntent, type Tree } from "./captured.ts";
import type { Scene } from "./scene.ts";

type Rewrite = (envelope: Uint8Array, scene: Scene) => Uint8Array | Promise<Uint8Array>;
type FormRow = readonly [name: string, rule: string, rewrite: Rewrite];

function attacks(kind: string, rows: readonly FormRow[]): readonly Attack[] {
  return rows.map(([name, rule, rewrite]) => ({
    class: kind,
    name,
    rule,
    async run(scene) {
      const { bytes } = await scene.seal(await scene.draft(scene.town.actors.otto));
      return scene.deliver(await rewrite(bytes, scene));
    },
  }));
}

function intent(name: string, rule: string, change: (intent: Tree, scene: Scene) => void): FormRow {
  return [name, rule, (bytes, scene) => withIntent(scene, bytes, (tree) => change(tree, scene))];
}

function targetOf(tree: Tree): Tree {
  return (tree["targets"] as Tree[])[0] ?? {};
}

const altered: readonly FormRow[] = [
  intent("argument added", "session_key", (tree) => void (tree["args"] = { force: true })),
  intent(
    "argument hidden under a name that libraries drop",
    "malformed",
    (tree) => void (tree["args"] = { constructor: 1 }),
  ),
  intent("time to live stretched", "session_key", (tree) => void (tree["ttl"] = 300)),
  intent("id changed", "session_key", (tree) => void (tree["id"] = nonceOf("another id"))),
  intent(
    "host time moved forward",
    "session_key",
    (tree) => void (targetOf(tree)["iat"] = Number(targetOf(tree)["iat"]) + 1),
  ),
  intent(
    "expectation replaced",
    "session_key",
    (tree) => void (targetOf(tree)["expect"] = { gatewayBoot: "boot-777777" }),
  ),
  intent("expectation dropped", "session_key", (tree) => void (targetOf(tree)["expect"] = {})),
  intent("operation swapped", "challenge", (tree) => void (tree["operation"] = "host.check@1")),
  intent("challenge of nobody", "challenge", (tree) => void (targetOf(tree)["challenge"] = nonceOf("made up"))),
  intent("actor swapped", "challenge", (tree, { town }) => void (tree["actor"] = { session: town.actors.ada.digest })),
  intent("another host", "target", (tree) => void (targetOf(tree)["host"] = "h-elsewhere")),
  intent("this host beside another", "session_key", (tree) => {
    tree["targets"] = [{ ...targetOf(tree), host: "h-0" }, targetOf(tree)];
  }),
  intent("this host twice", "malformed", (tree) => void (tree["targets"] = [targetOf(tree), targetOf(tree)])),
  intent(
    "targets out of order",
    "malformed",
    (tree) => void (tree["targets"] = [targetOf(tree), { ...targetOf(tree), host: "h-0" }]),
  ),
  intent("no target", "malformed", (tree) => void (tree["targets"] = [])),
  intent("65 targets", "malformed", (tree) => {
    tree["targets"] = Array.from({ length: 65 }, (_, i) => ({
      ...targetOf(tree),
      host: `h-${String(i).padStart(3, "0")}`,
    }));
  }),
  intent("another workspace", "workspace", (tree) => void (tree["workspace"] = nonceOf("elsewhere"))),
  intent("version 0", "malformed", (tree) => void (tree["v"] = 0)),
  intent("version 2", "malformed", (tree) => void (tree["v"] = 2)),
  intent("a member more", "malformed", (tree) => void (tree["approved"] = true)),
  intent("a member less", "malformed", (tree) => void delete tree["id"]),
  intent("two actors", "malformed", (tree) => void (tree["actor"] = { session: nonceOf("a"), automationKey: "k-1" })),
  intent("an automation key for an actor", "challenge", (tree) => void (tree["actor"] = { automationKey: "k-1" })),
  intent("a proposal", "session_key", (tree) => void (tree["proposal"] = nonceOf("proposal"))),
  intent(
    "sealed arguments",
    "malformed",
    (tree) => void (targetOf(tree)["sealed"] = [{ path: "args", digest: nonceOf("sealed") }]),
  ),
];

const OTHER_FINGERPRINT = fingerprintOf("another certificate");

function delivery(name: string, change: Fields, key?: (scene: Scene) => Signer): FormRow {
  return [
    name,
    "dispatch",
    (bytes, scene) =>
      dispatched(scene, treeOf(bytes), { change, ...(key === undefined ? {} : { signer: key(scene) }) }),
  ];
}

/** A low-order R and no S: what lax verifiers take from anybody. */
const LOW_ORDER_SIGNER: Signer = {
  publicKey: "",
  sign: () => Promise.resolve(toBase64url(concatBytes(Uint8Array.of(1), new Uint8Array(63)))),
};

/** The dispatch key is not enough: what it signs must be this delivery. And without it nothing is a delivery. */
const dispatch: readonly FormRow[] = [
  delivery("for another tunnel", { tunnel: nonceOf("another tunnel") }),
  delivery("for another client certificate", { certFingerprint: OTHER_FINGERPRINT }),
  delivery("for another host", { host: "h-elsewhere" }),
  delivery("for another workspace", { workspace: nonceOf("elsewhere") }),
  delivery("for another intent", { intent: nonceOf("another intent") }),
  delivery("of version 2", { v: 2 }),
  delivery("with a member more", { urgent: true }),
  delivery("signed by the attacker", {}, ({ town }) => town.mallory.key),
  delivery("signed by the ledger key", {}, ({ town }) => town.world.keys.ledger),
  delivery("signed by the host key", {}, ({ town }) => town.world.keys.host),
  delivery("signed by the session key", {}, ({ town }) => town.actors.otto.sessionKey),
  [
    "dispatch key's signature under another type",
    "dispatch",
    (bytes, scene) => {
      const { dispatch: key } = scene.town.world.keys;
      return dispatched(scene, treeOf(bytes), {
        signer: { publicKey: key.publicKey, sign: (_kind, body) => key.sign("welcome", body) },
      });
    },
  ],
  ["low-order signature", "dispatch", (bytes, scene) => dispatched(scene, treeOf(bytes), { signer: LOW_ORDER_SIGNER })],
  ["delivery of another envelope", "dispatch", otherDispatch],
  ["no dispatch", "malformed", (bytes) => without(bytes, "dispatch")],
];

async function otherDispatch(bytes: Uint8Array, scene: Scene): Promise<Uint8Array> {
  const other = await scene.seal(await scene.draft(scene.town.actors.otto));
  return encodeCanonical({ ...treeOf(bytes), dispatch: treeOf(other.bytes)["dispatch"] });
}

function without(bytes: Uint8Array, key: string): Uint8Array {
  const tree = treeOf(bytes);
  delete tree[key];
  return encodeCanonical(tree);
}

function text(rewrite: (text: string) => string): Rewrite {
  return (bytes) => utf8(rewrite(utf8Text(bytes)));
}

/** Rewrites the text of the intent inside the envelope, dispatch key and all. */
function innerText(rewrite: (text: string) => string): Rewrite {
  return (bytes, scene) => {
    const tree = treeOf(bytes);
    const inner = utf8Text(fromBase64url(String(tree["intent"])));
    return dispatched(scene, { ...tree, intent: toBase64url(utf8(rewrite(inner))) });
  };
}

const spellings: readonly (readonly [string, (text: string) => string])[] = [
  ["white space", (json) => json.replace("{", "{ ")],
  ["newline at the end", (json) => `${json}\n`],
  ["byte order mark", (json) => `\uFEFF${json}`],
  ["keys in another order", (json) => reversed(json)],
  ["a key twice", (json) => json.replace("{", '{"v":1,')],
  [
    "an escape for a letter",
    (json) => json.replace(/"([a-z])/, (_all, letter: string) => String.raw`"\u00${letter.charCodeAt(0).toString(16)}`),
  ],
  ["a second document", (json) => `${json}{}`],
  ["an array around it", (json) => `[${json}]`],
  ["the prototype as a member", (json) => json.replace("{", '{"__proto__":{},')],
  ["null for a member", (json) => json.replace("{", '{"a":null,')],
  ["a bidirectional control", (json) => json.replace("{", '{"a":"\u202E",')],
  ["a lone surrogate", (json) => json.replace("{", String.raw`{"a":"\ud800",`)],
  ["nothing but a string", () => '"intent"'],
  ["nothing but a number", () => "1"],
  ["nested ten thousand deep", () => "[".repeat(10_000) + "]".repeat(10_000)],
  ["objects nested 17 deep", (json) => json.replace("{", `{"a":${'{"a":'.repeat(17)}1${"}".repeat(17)},`)],
];

function reversed(json: string): string {
  const tree = JSON.parse(json) as Tree;
  return JSON.stringify(Object.fromEntries(Object.entries(tree).toReversed()));
}

const numbers: readonly (readonly [name: string, value: string])[] = [
  ["a float that is whole", "1.0"],
  ["an exponent", "1e0"],
  ["minus zero", "-0"],
  ["a leading zero", "01"],
  ["an unsafe integer", "9007199254740993"],
  ["a fraction", "1.5"],
  ["text", '"1"'],
  ["a boolean", "true"],
];

const spelled: readonly FormRow[] = [
  ...spellings.map(([name, rewrite]): FormRow => [`envelope: ${name}`, "malformed", text(rewrite)]),
  ...spellings.map(([name, rewrite]): FormRow => [`intent: ${name}`, "malformed", innerText(rewrite)]),
  ...numbers.map(([name, value]): FormRow => [
    `intent: version as ${name}`,
    "malformed",
    innerText((json) => json.replace('"v":1', `"v":${value}`)),
  ]),
  ["envelope: not UTF-8", "malformed", (bytes) => bytes.with(2, 0xff)],
  ["envelope: cut in the middle", "malformed", (bytes) => bytes.subarray(0, bytes.length >> 1)],
  ["envelope: as large as the protocol allows", "malformed", () => new Uint8Array(MAX_ENVELOPE_BYTES).fill(0x20)],
  ["envelope: ten thousand members", "malformed", () => utf8(`{${'"a":1,'.repeat(10_000)}"b":1}`)],
  ["envelope: intent with padding", "malformed", text((json) => json.replace(/("intent":"[^"]*)"/, '$1="'))],
  [
    "envelope: intent with unused bits set",
    "malformed",
    (bytes) => encodeCanonical({ ...treeOf(bytes), intent: "AB" }),
  ],
  ["envelope: intent in the other alphabet", "malformed", text((json) => json.replace(/("intent":"[^"]{8})./, "$1+"))],
  ["envelope: a member more", "malformed", (bytes) => encodeCanonical({ ...treeOf(bytes), verified: true })],
  [
    "envelope: sealed bytes that no operation asked for",
    "sealed",
    (bytes) => encodeCanonical({ ...treeOf(bytes), sealed: ["AAAA"] }),
  ],
  [
    "envelope: session by digest only",
    "malformed",
    (bytes, { town }) => encodeCanonical({ ...treeOf(bytes), session: town.actors.otto.digest }),
  ],
  ["envelope: no session", "session_malformed", (bytes) => without(bytes, "session")],
  [
    "envelope: approvals as one object",
    "malformed",
    (bytes) => encodeCanonical({ ...treeOf(bytes), approvals: { 0: {} } }),
  ],
  ["envelope: session signature one bit off", "session_key", bit("sessionSignature")],
];

function bit(key: string): Rewrite {
  return (bytes) => {
    const tree = treeOf(bytes);
    return encodeCanonical({ ...tree, [key]: flipBase64url(String(tree[key]), 300) });
  };
}

/** Two honest envelopes of two people, taken apart and put together across. */
type Splice = (mine: Tree, other: Tree) => Tree;
const splices: readonly (readonly [name: string, rule: string, splice: Splice])[] = [
  [
    "approval of another person's command",
    "approval_subject",
    (mine, other) => ({ ...mine, approvals: other["approvals"] }),
  ],
  ["session of another person", "session_key", (mine, other) => ({ ...mine, session: other["session"] })],
  [
    "session signature of another command",
    "session_key",
    (mine, other) => ({ ...mine, sessionSignature: other["sessionSignature"] }),
  ],
  ["intent of another person", "session_key", (mine, other) => ({ ...mine, intent: other["intent"] })],
  [
    "intent and signature of another person",
    "session_key",
    (mine, other) => ({ ...mine, intent: other["intent"], sessionSignature: other["sessionSignature"] }),
  ],
  [
    "all but the approval of another person",
    "approval_subject",
    (mine, other) => ({ ...other, approvals: mine["approvals"] }),
  ],
  [
    "assertion of another approval",
    "approval.challenge",
    (mine, other) => ({ ...mine, approvals: [{ ...first(mine), assertion: first(other)["assertion"] }] }),
  ],
  [
    "body of another approval",
    "approval_subject",
    (mine, other) => ({ ...mine, approvals: [{ ...first(mine), body: first(other)["body"] }] }),
  ],
  [
    "the sign-in's assertion as approval",
    "approval.challenge",
    (mine) => ({ ...mine, approvals: [{ ...first(mine), assertion: (mine["session"] as Tree)["assertion"] }] }),
  ],
  [
    "the approval's assertion as sign-in",
    "session.challenge",
    (mine) => ({ ...mine, session: { ...(mine["session"] as Tree), assertion: first(mine)["assertion"] } }),
  ],
  [
    "both approvals, the other's last",
    "approval_extra",
    (mine, other) => ({ ...mine, approvals: [first(mine), first(other)] }),
  ],
];

function first(tree: Tree): Tree {
  return (tree["approvals"] as Tree[])[0] ?? {};
}

const spliced: readonly Attack[] = splices.map(([name, rule, splice]) => ({
  class: "spliced from two honest commands",
  name,
  rule,
  async run(scene) {
    const [mine, other] = await Promise.all([honestTree(scene, "otto"), honestTree(scene, "ada")]);
    return scene.deliver(await dispatched(scene, splice(mine, other)));
  },
}));

async function honestTree(scene: Scene, name: "otto" | "ada"): Promise<Tree> {
  const { bytes } = await scene.seal(await scene.draft(scene.town.actors[name]));
  const tree = treeOf(bytes);
  // The attacker never sees more than what a page submits; the dispatch is its own.
  if (innerTree(tree["intent"])["v"] !== 1) throw new TypeError("forms: not an envelope");
  return tree;
}

export const formAttacks: readonly Attack[] = [
  ...attacks("altered and signed again by the edge", altered),
  ...attacks("dispatch", dispatch),
  ...attacks("form", spelled),
  ...spliced,
];
