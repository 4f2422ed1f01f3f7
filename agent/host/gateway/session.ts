/**
 * Opens a connection with the best proof we have: the device token (bound to our key, revocable, narrow) before the
 * gateway's shared secret, which is shown only to pair, to pair again after the token died, or to widen a pairing.
 */
import { openGateway } from "./client.ts";
import type { GatewayConnection } from "./client.ts";
import type { GatewayCredential } from "./credential.ts";
import type { DeviceStore } from "./device.ts";
import { GatewayError } from "./faults.ts";
import type { Proof, Scope } from "./handshake.ts";
import type { NoticedEvent } from "./wire.ts";

export interface SessionOptions {
  readonly url: string;
  readonly credential: GatewayCredential | undefined;
  readonly store: DeviceStore;
  /** As `ConnectOptions.socket`. */
  readonly socket?: string | undefined;
  readonly scopes: readonly Scope[];
  readonly agentVersion: string;
  readonly platform: string;
  readonly onEvent?: (name: NoticedEvent) => void;
  /** It counts as somebody who answers questions before commands. */
  readonly answers?: true;
  /**
   * False when the kernel says that the port belongs to a user who does not own the gateway's configuration: that
   * process waits for somebody to show it the shared secret.
   */
  readonly mayShowSecret: () => Promise<boolean>;
  /** How long the gateway may take to greet; the client's own patience unless given. */
  readonly connectMilliseconds?: number | undefined;
  readonly log: (code: string, detail: Readonly<Record<string, string>>) => void;
}

/** Rejects with a `GatewayError`; `unauthorized` means that neither token nor secret is accepted. */
export async function openSession(options: SessionOptions): Promise<GatewayConnection> {
  const token = await options.store.token(options.url);
  if (token !== undefined) {
    try {
      return await connectWith(options, { kind: "device", token });
    } catch (error) {
      const fault = error instanceof GatewayError ? error.fault : undefined;
      if (fault !== "unauthorized" && fault !== "scope") throw error;
      if (options.credential === undefined) throw error;
      // A token that is merely too narrow stays: pairing again widens it, and if that fails it still reads.
      if (fault === "unauthorized") await options.store.forgetToken();
    }
  }
  const { credential } = options;
  if (credential !== undefined && !(await options.mayShowSecret())) throw new GatewayError("foreign");
  return connectWith(options, credential === undefined ? undefined : { kind: "shared", credential });
}

async function connectWith(options: SessionOptions, proof: Proof | undefined): Promise<GatewayConnection> {
  const { store, scopes, agentVersion, platform, url, socket, onEvent, connectMilliseconds } = options;
  const connection = await openGateway({
    url,
    socket,
    handshake: {
      device: store.device,
      client: "paired",
      scopes,
      proof,
      agentVersion,
      platform,
      ...(options.answers === true ? { answers: true } : {}),
    },
    ...(onEvent === undefined ? {} : { onEvent }),
    ...(connectMilliseconds === undefined ? {} : { connectMilliseconds }),
  });
  const issued = connection.hello.deviceToken;
  if (issued === undefined) return connection;
  try {
    await store.keepToken(url, issued);
  } catch (error) {
    // A full disk must not blind us: this connection is good, and the next one pairs again.
    options.log("gateway_token_not_kept", { name: error instanceof Error ? error.name : "unknown" });
  }
  return connection;
}
