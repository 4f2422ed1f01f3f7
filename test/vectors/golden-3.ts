/** Ends of several sessions at once: the source of messages-3.json. */
import * as messages from "../../protocol/messages.ts";
import { nonceOf } from "../fixtures/keys.ts";
import { NOW } from "../fixtures/workspace.ts";
import { goldenOf, type Golden, type Sample } from "./golden.ts";

const workspace = nonceOf("workspace");
const assertion = {
  credentialId: nonceOf("id"),
  clientData: nonceOf("cd"),
  authenticatorData: nonceOf("ad"),
  signature: nonceOf("sig"),
};
const asserted = { body: nonceOf("body"), assertion };
const sessions = ["one", "two", "three"].map((name) => nonceOf(`session ${name}`)).toSorted();

export const endingSamples: Readonly<Record<string, Sample>> = {
  "session-end of several": {
    note: "Ends sessions of one person everywhere. Sorted, each once; approved by a person.",
    kind: "session-end",
    codec: messages.sessionEndCodec,
    value: { v: 1, workspace, sessions, person: "p-otto", at: NOW },
  },
  "signed session-end of several": {
    note: "`session` is the sign-in of the first one named, `others` those of the rest, in order.",
    codec: messages.signedSessionEndCodec,
    value: {
      body: nonceOf("end"),
      session: asserted,
      others: [asserted, asserted],
      by: { kind: "person", approval: asserted },
    },
  },
};

export function endingMessages(): readonly Golden[] {
  return goldenOf(endingSamples);
}
