/** Verdicts on commands with a text that only host and page may read. */
import { fromBase64url, toBase64url, utf8 } from "../../../protocol/bytes.ts";
import { sha256Of } from "../../../protocol/signing.ts";
import type { CommandDraft } from "../../fixtures/command.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { NOW, type World } from "../../fixtures/workspace.ts";
import type { Modules, RuleCase } from "./cases.ts";
import { edgeVerdict, hostVerdict } from "./envelope-cases.ts";

type Change = (draft: CommandDraft, world: World) => void;

const CIPHERTEXT = toBase64url(utf8("a ciphertext of thirty-two bytes and some more"));
const digestOfText = (text: string): string => toBase64url(sha256Of(fromBase64url(text)));

/** An honest order whose content is sealed, then bent. */
function sealing(bend: Change = () => undefined): Change {
  return (draft, world) => {
    Object.assign(draft.intent, { operation: "agent.create@1", args: {} });
    Object.assign(draft.target, { expect: {}, sealed: [{ path: "content", digest: digestOfText(CIPHERTEXT) }] });
    draft.sealed = [CIPHERTEXT];
    bend(draft, world);
  };
}

const second = { host: "h-zzz", challenge: nonceOf("second"), iat: NOW, expect: {} };

/** [name, expected, change]; edge and host judge alike. */
const points: readonly (readonly [string, string, Change])[] = [
  ["honest", "verified", sealing()],
  ["no ciphertext", "sealed", sealing((d) => void (d.sealed = []))],
  ["no digest", "sealed", sealing((d) => void (d.target["sealed"] = []))],
  ["neither", "sealed", sealing((d) => Object.assign(d, { sealed: [] }, { target: { ...d.target, sealed: [] } }))],
  ["another ciphertext", "sealed", sealing((d) => void (d.sealed = [nonceOf("somebody else's")]))],
  ["two ciphertexts", "malformed", sealing((d) => void (d.sealed = [CIPHERTEXT, CIPHERTEXT]))],
  [
    "another path",
    "malformed",
    sealing((d) => void (d.target["sealed"] = [{ path: "args", digest: digestOfText(CIPHERTEXT) }])),
  ],
  [
    "for two hosts, with one digest",
    "sealed",
    sealing((d) => void (d.intent["targets"] = [d.target, { ...second, sealed: [] }])),
  ],
  [
    "for two hosts, with two digests",
    "sealed",
    sealing((d) => void (d.intent["targets"] = [d.target, { ...second, sealed: d.target["sealed"] }])),
  ],
  [
    "a digest beside an operation without sealed arguments",
    "sealed",
    (d) => void (d.target["sealed"] = [{ path: "content", digest: digestOfText(CIPHERTEXT) }]),
  ],
  ["a ciphertext beside one", "sealed", (d) => void (d.sealed = [CIPHERTEXT])],
  [
    "carrying out a proposal",
    "proposal",
    sealing((d, { workspace, people }) => {
      const body = { v: 1, workspace, kind: "proposal", decision: "approve", at: NOW - 60 };
      d.proposal = {
        body: { v: 1, workspace, exp: NOW + 60, id: nonceOf("proposal") },
        approvals: [{ passkey: people.otto.passkey, knobs: {}, body }],
      };
    }),
  ],
];

const judged =
  (verdict: (modules: Modules, change: Change) => Promise<string>, change: Change) =>
  (modules: Modules): Promise<string> =>
    verdict(modules, change);

export const sealedCases: readonly RuleCase[] = points.flatMap(([name, expected, change]) => {
  const host: RuleCase = { name: `sealed, host: ${name}`, expected, run: judged(hostVerdict, change) };
  // The edge decodes a submission before it judges one; a malformed one never gets there.
  if (name === "two ciphertexts") return [host];
  const atEdge = expected === "verified" ? "accepted" : expected;
  return [host, { name: `sealed, edge: ${name}`, expected: atEdge, run: judged(edgeVerdict, change) }];
});
