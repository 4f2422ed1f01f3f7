/**
 * What we keep of a gateway's hello: five bounded values. The rest (its capability URL, presence, paths) is never read.
 */
import * as v from "valibot";
import { telemetrySchema } from "../../../protocol/telemetry.ts";
import { GatewayError } from "./faults.ts";
import { PROTOCOL_VERSION } from "./handshake.ts";
import type { Scope } from "./handshake.ts";
import { field } from "./wire.ts";

export interface Hello {
  /** Absent when the gateway said something that is no version. */
  readonly version: string | undefined;
  readonly bootId: string | undefined;
  /** Names the configuration that the gateway runs, without telling what is in it. */
  readonly configHash: string | undefined;
  readonly deviceToken: string | undefined;
}

const claims = telemetrySchema.entries.gateway.entries;
const CONFIG_HASH = /^[0-9A-Za-z:_-]{8,120}$/;
const MAX_TOKEN_CHARACTERS = 512;

/** Throws `unsupported` for another protocol, `scope` when the gateway granted less than asked, else `hostile`. */
export function readHello(payload: unknown, asked: readonly Scope[]): Hello {
  if (field(payload, "type") !== "hello-ok") throw new GatewayError("hostile", "HELLO_SHAPE");
  if (field(payload, "protocol") !== PROTOCOL_VERSION) throw new GatewayError("unsupported");
  const server = field(payload, "server");
  const auth = field(payload, "auth");
  const granted = field(auth, "scopes");
  if (!Array.isArray(granted) || asked.some((scope) => !granted.includes(scope))) throw new GatewayError("scope");
  const version = field(server, "version");
  const bootId = field(server, "bootId");
  const configHash = field(field(payload, "snapshot"), "appliedConfigHash");
  const deviceToken = field(auth, "deviceToken");
  return {
    version: v.is(claims.version, version) ? version : undefined,
    bootId: v.is(claims.bootId, bootId) ? bootId : undefined,
    configHash: typeof configHash === "string" && CONFIG_HASH.test(configHash) ? configHash : undefined,
    deviceToken:
      typeof deviceToken === "string" && deviceToken.length <= MAX_TOKEN_CHARACTERS ? deviceToken : undefined,
  };
}
