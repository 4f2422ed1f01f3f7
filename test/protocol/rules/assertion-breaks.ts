/** How each rule of an assertion is broken in a touch, whoever makes it and whatever for. */
import type { AssertionRule } from "../../../protocol/refusals.ts";
import { FLAGS } from "../../fixtures/authenticator.ts";
import type { TouchDraft } from "../../fixtures/command.ts";
import { flipBit, nonceOf } from "../../fixtures/keys.ts";

/** Turns flags on or off, whatever other breaks did to them. */
function toggle(touch: TouchDraft, flags: number): void {
  const honest = FLAGS.UP | FLAGS.UV | (touch.passkey.pinned.backupEligible ? FLAGS.BE : 0);
  touch.knobs = { ...touch.knobs, flags: (touch.knobs.flags ?? honest) ^ flags };
}

/** How each rule of an assertion is broken, in the order they are judged. */
export const assertionBreaks: readonly (readonly [AssertionRule, (touch: TouchDraft) => void, string?])[] = [
  [
    "credential",
    (t) => {
      t.knobs = { ...t.knobs, credentialId: nonceOf("nobody's credential") };
    },
  ],
  [
    "client_data",
    (t) => {
      t.knobs = { ...t.knobs, rewrite: (text) => `${text}]` };
    },
  ],
  [
    "type",
    (t) => {
      t.knobs = { ...t.knobs, type: "webauthn.create" };
    },
  ],
  [
    "challenge",
    (t) => {
      t.knobs = { ...t.knobs, challenge: nonceOf("another challenge") };
    },
  ],
  [
    "origin",
    (t) => {
      t.knobs = { ...t.knobs, origin: "https://elsewhere.example" };
    },
  ],
  [
    "cross_origin",
    (t) => {
      t.knobs = { ...t.knobs, crossOrigin: true };
    },
  ],
  [
    "authenticator_data",
    (t) => {
      t.knobs = { ...t.knobs, tail: Uint8Array.of(0) };
    },
    "length",
  ],
  [
    "rp_id",
    (t) => {
      t.knobs = { ...t.knobs, rpId: "elsewhere.example" };
    },
  ],
  [
    "authenticator_data",
    (t) => {
      toggle(t, FLAGS.ED);
    },
    "flags",
  ],
  [
    "user_presence",
    (t) => {
      toggle(t, FLAGS.UP);
    },
  ],
  [
    "user_verification",
    (t) => {
      toggle(t, FLAGS.UV);
    },
  ],
  [
    "backup",
    (t) => {
      toggle(t, FLAGS.BE);
    },
  ],
  [
    "signature",
    (t) => {
      t.knobs = { ...t.knobs, mutateSignature: (bytes) => flipBit(bytes, bytes.length * 8 - 1) };
    },
  ],
];
