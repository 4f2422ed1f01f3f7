/** Samples of a look from outside: the source of messages-8.json. */
import { lookCodec, lookedCodec, outsideLookSchema } from "../../protocol/posture/outside.ts";
import { codec } from "../../protocol/fields.ts";
import { nonceOf } from "../fixtures/keys.ts";
import { NOW } from "../fixtures/workspace.ts";
import { goldenOf, type Golden, type Sample } from "./golden.ts";

const workspace = nonceOf("workspace");
const host = "h-0123456789abcdef0123";
const seen = {
  vantage: "internet",
  address: "2001:db8::7",
  ports: [
    { port: 22, state: "open" },
    { port: 80, state: "closed" },
    { port: 443, state: "closed" },
    { port: 18_789, state: "filtered" },
  ],
} as const;

export const outsideSamples: Readonly<Record<string, Sample>> = {
  look: {
    note: "Signed by the host key: knock at where this tunnel comes from, for this command.",
    kind: "look",
    codec: lookCodec,
    value: {
      v: 1,
      workspace,
      host,
      tunnel: nonceOf("tunnel"),
      intent: nonceOf("intent"),
      ports: [22, 80, 443, 18_789],
      nonce: nonceOf("nonce"),
    },
  },
  looked: {
    note: "Signed by the dispatch key: what answered, at which address.",
    kind: "looked",
    codec: lookedCodec,
    value: { v: 1, workspace, host, look: nonceOf("look"), at: NOW, answer: { kind: "seen", ...seen } },
  },
  "looked, refused": {
    note: "Signed by the dispatch key: why nobody knocked.",
    kind: "looked",
    codec: lookedCodec,
    value: {
      v: 1,
      workspace,
      host,
      look: nonceOf("look"),
      at: NOW,
      answer: { kind: "refused", code: "look_too_often" },
    },
  },
  "outside.json": {
    note: "What a host keeps of the last look.",
    codec: codec(outsideLookSchema),
    value: { v: 1, at: NOW, by: "edge", author: "p-ada", rules: nonceOf("rules"), ...seen },
  },
};

export function outsideMessages(): readonly Golden[] {
  return goldenOf(outsideSamples);
}
