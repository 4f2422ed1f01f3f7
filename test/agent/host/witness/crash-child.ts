/**
 * A host in a process of its own, shown a checkpoint, that kills itself at a step: while the checkpoint is judged, between
 * storing and cosigning, or when the cosignature left and is not written down yet. Arguments: directory, step.
 */
import { encodeCanonical } from "../../../../protocol/canonical.ts";
import { openWarden } from "../../../../agent/host/warden/warden.ts";
import { TUNNEL, CERT_FINGERPRINT } from "../../../fixtures/command.ts";
import { nonceOf, signed } from "../../../fixtures/keys.ts";
import { WitnessedLog } from "../../../fixtures/witnessed-log.ts";
import { makeWorld } from "../../../fixtures/workspace.ts";
import { helloCodec, type OutwardFrame } from "../../../../protocol/tunnel.ts";
import { fromBase64url } from "../../../../protocol/bytes.ts";
import { Rig } from "../warden/rig.ts";

const [, , directory = "", dieAt = ""] = process.argv;
const die = (): boolean => process.kill(process.pid, "SIGKILL");
const world = await makeWorld();
const rig = await Rig.open({ directory, world });
const { context } = rig;
const { cosignKey } = context.keys;
const log = new WitnessedLog(world).grow(5);
process.stdout.write(
  `${JSON.stringify({ world: { root: world.root, statements: world.statements, workspace: world.workspace, host: world.host } })}\n`,
);

let isArmed = false;
const warden = openWarden({
  context: {
    ...context,
    wait: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    keys: {
      ...context.keys,
      cosignKey: {
        publicKey: cosignKey.publicKey,
        signNote: (message) => {
          if (isArmed && dieAt === "stored") die();
          return cosignKey.signNote(message);
        },
      },
    },
  },
  onFault: (error) => {
    throw error;
  },
});
const sent: OutwardFrame[] = [];
const tunnel = warden.connect((frame) => {
  sent.push(frame);
  if (frame.kind === "proof-want") {
    if (isArmed && dieAt === "asked") die();
    void log.proof(frame).then((proof) => tunnel.receive(proof));
  }
  if (isArmed && frame.kind === "cosignature" && dieAt === "said") die();
}, CERT_FINGERPRINT);
await tunnel.receive({ kind: "challenge", edgeNonce: nonceOf("edge nonce"), tunnel: TUNNEL });
const [hello] = sent;
if (hello?.kind !== "hello") throw new TypeError("no hello");
const { nonce, edgeNonce } = helloCodec.decode(fromBase64url(hello.signed.body));
await tunnel.receive({ kind: "trust", page: rig.page() });
const welcome = {
  v: 1,
  workspace: world.workspace,
  host: world.host,
  tunnel: TUNNEL,
  certFingerprint: CERT_FINGERPRINT,
  hostNonce: nonce,
  edgeNonce,
};
await tunnel.receive({
  kind: "welcome",
  signed: await signed(world.keys.dispatch, "welcome", encodeCanonical(welcome)),
});
await tunnel.receive(await log.frame());
while (!sent.some(({ kind }) => kind === "cosignature")) await new Promise((resolve) => setTimeout(resolve, 5));
isArmed = true;
log.grow(4);
await tunnel.receive(await log.frame());
setTimeout(() => undefined, 30_000); // somebody kills it before
