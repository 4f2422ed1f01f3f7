/**
 * Asks a running gateway what it made of its configuration. The shared secret goes only to loopback, and only where every
 * listener of that port belongs to the user who owns the file that the secret came from; the connection leaves no device behind.
 * The gateway is hostile: what it says is projected, never kept.
 */
import { openGateway, type GatewayConnection } from "../../../gateway/client.ts";
import { configDigest } from "../../../gateway/config-digest.ts";
import type { GatewayCredential } from "../../../gateway/credential.ts";
import { transientDevice } from "../../../gateway/device.ts";
import { GatewayError } from "../../../gateway/faults.ts";
import type { Scope } from "../../../gateway/handshake.ts";
import type { ListeningSocket } from "../../../gateway/listening.ts";
import { field, isFields } from "../../../gateway/wire.ts";
import type { UnknownReason } from "../../fact.ts";
import type { FoundGateway } from "./find.ts";
import { isPinned, projectSettings, type GatewaySettings } from "./settings.ts";

/** 20 ms on loopback; a machine that starts other things at the same time has been seen to need seconds. */
const ASK_MILLISECONDS = 8_000;
const MAX_NAMED = 64;
const ID = /^[A-Za-z0-9][A-Za-z0-9@/._-]{0,63}$/;

export interface Asking {
  readonly port: number;
  readonly credential: GatewayCredential | undefined;
  readonly scopes: readonly Scope[];
}
export type Ask = (asking: Asking) => Promise<GatewayConnection>;

export const askGateway: Ask = ({ port, credential, scopes }) =>
  openGateway({
    url: `ws://127.0.0.1:${String(port)}`,
    connectMilliseconds: ASK_MILLISECONDS,
    requestMilliseconds: ASK_MILLISECONDS,
    handshake: {
      device: transientDevice("posture"),
      client: "transient",
      scopes,
      proof: credential === undefined ? undefined : { kind: "shared", credential },
      agentVersion: "1",
      platform: "linux",
    },
  });

export interface InstalledPlugin {
  readonly id: string;
  readonly isOn: boolean;
  readonly isPinned: boolean;
}

/** What runs, by the gateway's own word. */
export interface Applied {
  readonly settings: GatewaySettings;
  readonly version: string | undefined;
  /** False: the file says something that it has not taken up (or cannot). */
  readonly isCurrent: boolean;
  /** Names what runs, as a version that is kept does. */
  readonly configHash: string | undefined;
  /** Of others than its makers. */
  readonly plugins: readonly InstalledPlugin[];
  /** Its own rules for commands limit or ask, whatever its configuration says. */
  readonly execIsTight: boolean;
}

export type Answer = { readonly applied: Applied } | { readonly why: UnknownReason; readonly source: string };

export async function askApplied(
  gateway: FoundGateway,
  sockets: readonly ListeningSocket[],
  ask: Ask,
): Promise<Answer> {
  const refusal = mayNotAsk(gateway, sockets);
  if (refusal !== undefined) return refusal;
  const { port, secret } = gateway;
  const source = `config.get of 127.0.0.1:${String(port)}`;
  try {
    const connection = await ask({ port, credential: secret.credential, scopes: ["operator.read"] });
    try {
      const read = await readApplied(connection);
      if (read === undefined) return { why: "malformed", source };
      const isLoose = read.settings.looseExec.length > 0;
      const execIsTight = isLoose ? await readExec(gateway, ask) : true;
      return { applied: { ...read, execIsTight } };
    } finally {
      connection.close();
    }
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { why: reasonOf(error), source: `${source}: ${error.code}` };
  }
}

function reasonOf({ fault }: GatewayError): UnknownReason {
  if (fault === "unreachable" || fault === "starting") return "gateway_down";
  return fault === "timeout" ? "timeout" : "secret_unknown";
}

function mayNotAsk(
  { name, port, process, configuration, ownerUid, secret }: FoundGateway,
  sockets: readonly ListeningSocket[],
): Extract<Answer, { why: UnknownReason }> | undefined {
  const listeners = sockets.filter((socket) => socket.port === port);
  if (listeners.length === 0)
    return { why: "gateway_down", source: `nobody listens on port ${String(port)} for the gateway of ${name}` };
  if (configuration !== "ok" || ownerUid === undefined)
    return {
      why: "not_root",
      source: `the gateway of ${name} on port ${String(port)}: its configuration is closed to us`,
    };
  const isForeign =
    listeners.some(({ uid }) => uid !== ownerUid) || (process !== undefined && process.uid !== ownerUid);
  if (isForeign)
    return {
      why: "foreign_listener",
      source: `port ${String(port)} is held by a user who does not own the configuration`,
    };
  return secret.source === "reference"
    ? { why: "secret_unknown", source: `the secret of the gateway of ${name} is kept outside its configuration` }
    : undefined;
}

async function readApplied(connection: GatewayConnection): Promise<Omit<Applied, "execIsTight"> | undefined> {
  const [shown, plugins] = await Promise.all([connection.call("config.get", {}), connection.call("plugins.list", {})]);
  const settings = projectSettings(field(shown, "config"));
  if (settings === undefined) return undefined;
  return {
    settings,
    version: connection.hello.version,
    isCurrent:
      field(shown, "valid") === true && field(shown, "configRevisionHash") === field(shown, "appliedConfigHash"),
    configHash: hashOf(field(shown, "appliedConfigHash")),
    plugins: pluginsIn(field(plugins, "plugins")),
  };
}

function hashOf(name: unknown): string | undefined {
  return typeof name === "string" && /^[0-9A-Za-z:_-]{8,120}$/.test(name) ? configDigest(name) : undefined;
}

function pluginsIn(list: unknown): readonly InstalledPlugin[] {
  return (Array.isArray(list) ? list : [])
    .filter((one) => field(one, "installed") === true && field(one, "origin") !== "bundled")
    .slice(0, MAX_NAMED)
    .map((one) => {
      const id = field(one, "id");
      return {
        id: typeof id === "string" && ID.test(id) ? id : "other",
        isOn: field(one, "enabled") === true,
        isPinned: isPinned(field(field(one, "install"), "spec")),
      };
    });
}

/** A loose configuration may be held by the gateway's own list, which only an administrator is shown. */
async function readExec({ port, secret }: FoundGateway, ask: Ask): Promise<boolean> {
  const connection = await ask({ port, credential: secret.credential, scopes: ["operator.admin"] });
  try {
    const answer = await connection.call("exec.approvals.get", {});
    const agents = field(field(answer, "file"), "agents");
    const own = isFields(agents) ? Object.values(agents) : [];
    const ruled = own.filter((rules) => field(rules, "security") !== undefined || field(rules, "ask") !== undefined);
    return [field(answer, "resolvedDefaults"), ...ruled].every(isTight);
  } finally {
    connection.close();
  }
}

function isTight(rules: unknown): boolean {
  const [security, ask] = [field(rules, "security"), field(rules, "ask")];
  return security === "deny" || security === "allowlist" || ask === "always";
}
