/** Attacks by keys that claim to succeed a session's. (Words that claim to end one: session-ends.ts.) */
import type { CommandDraft, TouchDraft } from "../fixtures/command.ts";
import { nonceOf, signerOf } from "../fixtures/keys.ts";
import type { Fields } from "../fixtures/workspace.ts";
import { bent, type Attack } from "./attack.ts";
import type { Scene } from "./scene.ts";
import { wallNow } from "./town.ts";

/** An approval of Otto's that names the attacker's key for his session, as it would have to be. */
function successor(scene: Scene, change: Fields = {}): TouchDraft {
  const { otto } = scene.town.actors;
  const nextSessionKey = { session: otto.digest, key: scene.town.mallory.key.publicKey };
  const body = { v: 1, workspace: scene.town.world.workspace, kind: "intent", decision: "approve", after: 1 };
  return { passkey: otto.passkey, knobs: {}, body: { ...body, nextSessionKey, ...change } };
}

type Bend = (draft: CommandDraft & { successor: TouchDraft }, scene: Scene) => void | Promise<void>;

/** Otto's own honest command, signed by the attacker's key, with `bend` to make that key his. */
function succeeding(name: string, bend: Bend): Attack {
  return {
    class: "successor key",
    name,
    rule: "session_key",
    run: bent(async (draft, { scene }) => {
      const whole = Object.assign(draft, { successor: successor(scene), sessionSigner: scene.town.mallory.key });
      await bend(whole, scene);
    }),
  };
}

function otherKind(kind: string): Bend {
  return (draft) => {
    delete draft.successor.body["after"];
    delete draft.successor.body["nextSessionKey"];
    Object.assign(draft.successor.body, { kind, at: wallNow() });
  };
}

export const ofAnother = succeeding(
  "named by another person",
  (draft, { town }) => void (draft.successor.passkey = town.actors.ada.passkey),
);

export const successorAttacks: readonly Attack[] = [
  ofAnother,
  succeeding("named by the attacker's passkey", (draft, { town }) => {
    draft.successor.passkey = town.mallory.passkey;
    draft.successor.knobs = { credentialId: town.actors.otto.passkey.pinned.credentialId };
  }),
  succeeding("for another session of the same person", (draft, { town }) => {
    draft.successor.body["nextSessionKey"] = { session: nonceOf("another"), key: town.mallory.key.publicKey };
  }),
  succeeding("for another person's session", (draft, { town }) => {
    draft.successor.body["nextSessionKey"] = { session: town.actors.ada.digest, key: town.mallory.key.publicKey };
  }),
  succeeding("named for another workspace", (draft) => void (draft.successor.body["workspace"] = nonceOf("x"))),
  succeeding("named by nobody in a genuine approval", (draft) => void delete draft.successor.body["nextSessionKey"]),
  succeeding("named in the approval of a proposal", (draft) => {
    delete draft.successor.body["after"];
    Object.assign(draft.successor.body, { kind: "proposal", at: wallNow() });
  }),
  ...(["proposal", "statement", "session-end", "edge-action"] as const).map((kind) =>
    succeeding(`a genuine touch of kind ${kind}`, otherKind(kind)),
  ),
  succeeding("another key than the one named", async (draft) => void (draft.sessionSigner = await signerOf("third"))),
  succeeding("the key that was succeeded", (draft, { town }) => {
    draft.sessionSigner = town.actors.otto.sessionKey;
  }),
];
