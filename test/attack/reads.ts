/**
 * Questions about the gateway that nobody may ask, and sealed arguments that are not what was signed. The edge that asks
 * holds everything that honest people sent through it. May not: attack what a page makes of an answer (test/web).
 */
import { fromBase64url, toBase64url, utf8 } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { assertedCodec, type Signed } from "../../protocol/messages.ts";
import { readingCodec } from "../../protocol/reading.ts";
import { digestOf, sha256Of, type Signer } from "../../protocol/signing.ts";
import { nonceOf, signed, signerOf } from "../fixtures/keys.ts";
import { asserted, type Fields } from "../fixtures/workspace.ts";
import type { Attack } from "./attack.ts";
import { freshNonce, type Outcome, type Scene } from "./scene.ts";
import { sessionBody, wallNow, type Actor } from "./town.ts";

interface Asking {
  readonly of: Actor;
  readonly change?: Fields;
  readonly signer?: Signer;
}

async function questionOf(scene: Scene, { of, change = {}, signer }: Asking): Promise<Signed> {
  const { workspace, host, state } = scene.town.world;
  const body = encodeCanonical({
    v: 1,
    workspace,
    host,
    session: of.digest,
    operation: "gateway.sessions@1",
    args: {},
    replyKey: nonceOf("reply key"),
    trustHead: state.head,
    iat: wallNow(),
    jti: freshNonce(),
    ...change,
  });
  return signed(signer ?? of.sessionKey, "read", body);
}

/** What the host says of a question: why not, or that it answers. What its gateway has to say is not judged here. */
async function ask(scene: Scene, read: Signed, of: Actor): Promise<Outcome> {
  const request = digestOf("read", fromBase64url(read.body));
  const { mark } = scene.happenings;
  const certificate = await asserted(of.passkey, "session", { body: encodeCanonical(of.session) });
  scene.tunnel.send({ kind: "read", read, session: toBase64url(assertedCodec.encode(certificate)) });
  const said = await scene.happenings.first(mark, (item) => {
    if (item.kind !== "frame") return undefined;
    const { frame } = item;
    if (frame.kind === "refused" && frame.subject === request) return frame.code;
    if (frame.kind !== "reading") return undefined;
    const reading = readingCodec.decode(fromBase64url(frame.signed.body));
    if (reading.request !== request) return undefined;
    return reading.code === undefined || OF_THE_GATEWAY.has(reading.code) ? "answered" : reading.code;
  });
  return said ?? "silence";
}
const OF_THE_GATEWAY: ReadonlySet<string> = new Set(["gateway", "unsupported", "not_found"]);

const CONTENT = { operation: "content.logs@1" };

/** A touch of ada's opens the logs for one session of hers, another one of which is `other`. */
async function granted(scene: Scene): Promise<{ readonly ada: Actor; readonly other: Actor }> {
  const { ada } = scene.town.actors;
  const held = await scene.keep("ada reads", () => scene.prepare(ada, { operation: "content.read@1" }));
  if (typeof held === "string") throw new Error(`reads: no challenge: ${held}`);
  const draft = scene.draftWith(ada, held.challenge, "content.read@1");
  draft.intent["args"] = { kinds: ["logs"], seconds: 60 };
  const outcome = await scene.deliver((await scene.seal(draft)).bytes);
  if (outcome !== "executed") throw new Error(`reads: no grant: ${outcome}`);
  scene.noteHonest("content.read@1");
  scene.letGoAll();
  const sessionKey = await signerOf(`other session ${freshNonce()}`);
  const session = sessionBody(scene.town.world, sessionKey.publicKey, { nonce: freshNonce() });
  return { ada, other: { ...ada, sessionKey, session, digest: digestOf("session", encodeCanonical(session)) } };
}

function question(name: string, rule: string, run: (scene: Scene) => Promise<Outcome>): Attack {
  return { class: "question to a host", name, rule, run };
}

/** Signed, sent and judged, with one thing bent. */
function bent(name: string, rule: string, change: (scene: Scene) => Omit<Asking, "of"> & { readonly of?: Actor }) {
  return question(name, rule, async (scene) => {
    const asking = { of: scene.town.actors.otto, ...change(scene) };
    return ask(scene, await questionOf(scene, asking), asking.of);
  });
}

const questions: readonly Attack[] = [
  bent("signed by the attacker", "session_key", ({ town }) => ({ signer: town.mallory.key })),
  bent("signed by the dispatch key", "session_key", ({ town }) => ({ signer: town.world.keys.dispatch })),
  bent("in the name of another session", "session_key", ({ town }) => ({
    change: { session: town.actors.ada.digest },
  })),
  bent("for another host", "target", () => ({ change: { host: "h-elsewhere" } })),
  bent("for another workspace", "workspace", () => ({ change: { workspace: nonceOf("elsewhere") } })),
  bent("kept for two minutes", "clock", () => ({ change: { iat: wallNow() - 120 } })),
  bent("from an hour ahead", "clock", () => ({ change: { iat: wallNow() + 3_600 } })),
  bent("with a member more", "malformed", () => ({ change: { all: true } })),
  bent("for no read of the table", "operation", () => ({ change: { operation: "gateway.restart@1" } })),
  bent("with arguments that it does not take", "arguments", () => ({ change: { args: { all: true } } })),
  bent("by somebody without a role", "session_lifetime", ({ town }) => ({ of: town.actors.nora })),
  bent("for content, by a viewer", "role", ({ town }) => ({ of: town.actors.vera, change: CONTENT })),
  bent("for content, without a touch", "grant", ({ town }) => ({ of: town.actors.ada, change: CONTENT })),
  question("with the edge's reply key in place of the page's", "session_key", async (scene) => {
    const { otto } = scene.town.actors;
    const honest = await questionOf(scene, { of: otto });
    const body = new TextDecoder().decode(fromBase64url(honest.body));
    const mine = body.replace(nonceOf("reply key"), nonceOf("the edge's key"));
    return ask(scene, { body: toBase64url(utf8(mine)), signature: honest.signature }, otto);
  }),
  question("said again", "repeated", async (scene) => {
    const { otto } = scene.town.actors;
    const honest = await questionOf(scene, { of: otto });
    const first = await ask(scene, honest, otto);
    return first === "answered" ? ask(scene, honest, otto) : `the honest question: ${first}`;
  }),
  question("for content, with another session's grant", "grant", async (scene) => {
    const { ada, other } = await granted(scene);
    const own = await ask(scene, await questionOf(scene, { of: ada, change: CONTENT }), ada);
    if (own !== "answered") return `the honest question: ${own}`;
    return ask(scene, await questionOf(scene, { of: other, change: CONTENT }), other);
  }),
];

/** An administrator's genuine command with content, of which the edge hands on something else. */
function sealing(name: string, rule: string, swap: (sealed: string) => { sealed: string[]; named?: string }): Attack {
  return {
    class: "sealed argument",
    name,
    rule,
    async run(scene) {
      const { ada } = scene.town.actors;
      const operation = "agent.create@1";
      const held = await scene.keep("ada seals", () => scene.prepare(ada, { operation }));
      if (typeof held === "string") return held;
      const draft = scene.draftWith(ada, held.challenge, operation);
      const { sealed, named } = swap(CIPHERTEXT);
      draft.target["sealed"] = [{ path: "content", digest: named ?? toBase64url(sha256Of(fromBase64url(CIPHERTEXT))) }];
      draft.sealed = sealed;
      return scene.deliver((await scene.seal(draft)).bytes);
    },
  };
}
const CIPHERTEXT = toBase64url(utf8("sealed for another challenge, of this host or of any other one"));

const sealings: readonly Attack[] = [
  sealing("left out", "sealed", () => ({ sealed: [] })),
  sealing("exchanged", "sealed", () => ({ sealed: [nonceOf("the edge's own")] })),
  sealing("with one more", "malformed", (sealed) => ({ sealed: [sealed, sealed] })),
  sealing("for another challenge", "sealed", (sealed) => ({ sealed: [sealed] })),
];

export const readAttacks: readonly Attack[] = [...questions, ...sealings];
