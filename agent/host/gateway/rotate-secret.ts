/**
 * Gives the gateway another shared secret, made here and told to nobody but the gateway: it is in no answer, no log and no
 * receipt. A secret that is written elsewhere than in the configuration is left alone, except the demo's own file.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { writeFileAtomically } from "../../shared/atomic-file.ts";
import { openGateway } from "./client.ts";
import { changeConfiguration } from "./config-change.ts";
import { setAt, type Tree } from "./config-edit.ts";
import type { GatewayOrder, Performed } from "./control-interface.ts";
import { GatewayCredential, type CredentialKind } from "./credential.ts";
import { transientDevice } from "./device.ts";
import type { GatewayTarget } from "./discover.ts";
import { GatewayError } from "./faults.ts";
import { signal } from "./gateway-process.ts";
import { readMachine } from "./machine.ts";
import { Refusal } from "./operations/acting.ts";
import { executed, failed, type GatewayTools } from "./operations/implementation.ts";
import { findGateway, isReady, START_MILLISECONDS } from "./supervision.ts";
import { mayShowSecret } from "./trust.ts";
import { field } from "./wire.ts";

const SECRET_BYTES = 32;
/** The gateway takes a new secret within a second; a process of ours is started anew for it. */
const ACCEPTED_MILLISECONDS = 15_000;
const LOOK_MILLISECONDS = 500;
const REFERENCE = /\$\{/;

export async function rotateSecret(order: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  const secret = randomBytes(SECRET_BYTES).toString("base64url");
  let kind: CredentialKind | undefined;
  const proof = {
    reason: "secret_elsewhere",
    holds: async () => isAccepted(tools, new GatewayCredential(kind ?? "token", secret), ACCEPTED_MILLISECONDS),
  };
  const plan = (before: Tree): Tree => {
    kind = ownKind(before);
    return setAt(before, ["gateway", "auth", kind], secret);
  };
  const done = await changeConfiguration({ order, note: "New shared secret", plan, proof }, tools);
  const isElsewhere = done.observed.reason === "secret_elsewhere" && kind === undefined;
  return isElsewhere && tools.place?.kind === "demo" ? rotateDemo(tools, secret) : done;
}

/** Where the configuration itself holds the secret. @throws {Refusal} */
function ownKind(tree: Tree): CredentialKind {
  const auth = field(field(tree, "gateway"), "auth");
  const mode = field(auth, "mode") ?? "token";
  if (mode !== "token" && mode !== "password") throw new Refusal("no_secret");
  const present = field(auth, mode);
  // Absent, a reference to the environment, or an object that names a store: whoever holds it has to change it.
  if (typeof present !== "string" || REFERENCE.test(present)) throw new Refusal("secret_elsewhere");
  return mode;
}

/** The demo's gateway reads its secret from our file, by the environment that its supervisor gives it. */
async function rotateDemo(tools: GatewayTools, secret: string): Promise<Performed> {
  const path = tools.place?.tokenFile;
  const process = await findGateway(tools);
  if (path === undefined || process === undefined) return failed("secret_elsewhere");
  const former = readFileSync(path, "utf8");
  writeFileAtomically(path, `${secret}\n`);
  await signal(process, "SIGTERM");
  if (await isAccepted(tools, new GatewayCredential("token", secret), START_MILLISECONDS))
    return executed({ changed: 1 });
  writeFileAtomically(path, former);
  const now = await findGateway(tools);
  if (now !== undefined) await signal(now, "SIGTERM");
  return failed("not_accepted");
}

/** Whether the gateway lets somebody in who has nothing but this secret. */
async function isAccepted(tools: GatewayTools, credential: GatewayCredential, milliseconds: number): Promise<boolean> {
  const until = tools.elapsed() + milliseconds;
  for (;;) {
    const target = await tools.target();
    if ((await isReady(tools)) && (await mayShowSecret(target)) && (await opens(target, credential))) return true;
    if (tools.elapsed() >= until) return false;
    await tools.wait(LOOK_MILLISECONDS);
  }
}

async function opens({ url, network }: GatewayTarget, credential: GatewayCredential): Promise<boolean> {
  try {
    const connection = await openGateway({
      url,
      socket: network?.socket,
      handshake: {
        device: transientDevice("check"),
        client: "transient",
        scopes: ["operator.read"],
        proof: { kind: "shared", credential },
        agentVersion: "0",
        platform: readMachine().platform,
      },
    });
    connection.close();
    return true;
  } catch (error) {
    if (error instanceof GatewayError) return false;
    throw error;
  }
}
