/**
 * The `connect` request of protocol v4: who we are, what we ask for, and the device's signature over all of it. Pure:
 * the same challenge and device give the same request.
 */
import type { GatewayCredential } from "./credential.ts";
import type { Device } from "./device.ts";

export const PROTOCOL_VERSION = 4;

export type Scope = "operator.read" | "operator.write" | "operator.admin" | "operator.approvals" | "operator.pairing";

/**
 * The gateway knows a closed list of client ids and none is ours. `cli` is the one whose devices get a pairing record
 * and a key-bound token; `gateway-client` never pairs, which suits a connection that is made once and forgotten.
 */
export type ClientKind = "paired" | "transient";

const clients = {
  paired: { id: "cli", mode: "cli" },
  transient: { id: "gateway-client", mode: "backend" },
} as const satisfies Record<ClientKind, { id: string; mode: string }>;

/** What proves us: the device's own token, or the gateway's shared secret. */
export type Proof =
  | { readonly kind: "device"; readonly token: string }
  | { readonly kind: "shared"; readonly credential: GatewayCredential };

export interface Handshake {
  readonly device: Device;
  readonly client: ClientKind;
  readonly scopes: readonly Scope[];
  readonly proof: Proof | undefined;
  readonly agentVersion: string;
  readonly platform: string;
  /** This connection answers the gateway's questions before commands: with it connected the gateway waits for an answer. */
  readonly answers?: true;
}

export interface Challenge {
  readonly nonce: string;
  /** Milliseconds, the gateway's clock: the signature carries it back. */
  readonly at: number;
}

function authOf(proof: Proof | undefined): { readonly [key: string]: string } | undefined {
  if (proof === undefined) return undefined;
  if (proof.kind === "device") return { deviceToken: proof.token };
  return { [proof.credential.kind]: proof.credential.reveal() };
}

/** The token part of the signed payload: a password is not part of it. */
function signedToken(proof: Proof | undefined): string {
  if (proof === undefined) return "";
  if (proof.kind === "device") return proof.token;
  return proof.credential.kind === "token" ? proof.credential.reveal() : "";
}

export function connectParameters(handshake: Handshake, challenge: Challenge): object {
  const { device, scopes, proof, platform } = handshake;
  const client = clients[handshake.client];
  const payload = [
    "v3",
    device.id,
    client.id,
    client.mode,
    "operator",
    scopes.join(","),
    String(challenge.at),
    signedToken(proof),
    challenge.nonce,
    platform,
    "",
  ].join("|");
  const auth = authOf(proof);
  return {
    minProtocol: PROTOCOL_VERSION,
    maxProtocol: PROTOCOL_VERSION,
    client: { ...client, version: handshake.agentVersion, platform, displayName: device.displayName },
    role: "operator",
    scopes,
    // Asks the gateway not to send us what happens in sessions. It still sends some; the reading side drops it.
    caps: ["session-scoped-events", ...(handshake.answers === true ? ["exec-approvals"] : [])],
    commands: [],
    permissions: {},
    locale: "en-US",
    userAgent: `clawhold/${handshake.agentVersion}`,
    ...(auth === undefined ? {} : { auth }),
    device: {
      id: device.id,
      publicKey: device.publicKey,
      signature: device.sign(payload),
      signedAt: challenge.at,
      nonce: challenge.nonce,
    },
  };
}
