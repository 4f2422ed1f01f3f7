/**
 * The state directory of a host: its layout, its permissions, its lock, and `host.json`, which says where the edge is
 * and which workspace this host obeys. The pin is written once, at joining, from a source that is not the edge.
 * Subdirectories follow the modules (warden, link, gateway), so that each can get an OS user of its own.
 */
import { existsSync, lstatSync, mkdirSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import * as v from "valibot";
import { digest, id, label, publicKey, seconds } from "../../protocol/fields.ts";
import { writeFileAtomically } from "../shared/atomic-file.ts";
import { acquireLock, type Lock } from "../shared/lock.ts";
import { HostError } from "./host-error.ts";
import { readPrivateFile } from "./private-file.ts";

const loopbackUrl = v.pipe(v.string(), v.maxLength(64), v.regex(/^(ws|http):\/\/[0-9A-Za-z.:[\]]+$/));

/** How the agent finds its gateway. `local`: the address a person gave, or the gateway's own configuration. */
const gatewaySchema = v.variant("kind", [
  v.strictObject({ kind: v.literal("none") }),
  v.strictObject({ kind: v.literal("local"), url: v.optional(loopbackUrl) }),
  v.strictObject({ kind: v.literal("demo"), url: loopbackUrl, tokenFile: v.string() }),
]);
export type GatewayReference = v.InferOutput<typeof gatewaySchema>;

const hostFileSchema = v.strictObject({
  v: v.literal(1),
  /** wss://host:port of the agents' listener. */
  edge: v.pipe(v.string(), v.startsWith("wss://"), v.maxLength(255)),
  workspace: digest,
  host: id,
  label,
  /** True when the edge runs on this machine. */
  colocated: v.boolean(),
  gateway: gatewaySchema,
});
export type HostFile = v.InferOutput<typeof hostFileSchema>;

/** PEM: what the link needs to open a tunnel. `edgeCa` is absent where the edge has a public certificate. */
const tlsFileSchema = v.strictObject({
  v: v.literal(1),
  key: v.pipe(v.string(), v.startsWith("-----BEGIN PRIVATE KEY-----")),
  certificate: v.pipe(v.string(), v.startsWith("-----BEGIN CERTIFICATE-----")),
  edgeCa: v.optional(v.pipe(v.string(), v.startsWith("-----BEGIN CERTIFICATE-----"))),
});
/**
 * Public halves of the setup keys that this machine made. They outlive a crash between the first root and joining, so
 * that the pin never has to come from the edge; gone once the host has joined.
 */
const setupFileSchema = v.strictObject({ v: v.literal(1), keys: v.pipe(v.array(publicKey), v.maxLength(1_000)) });

/**
 * A host that somebody reset on the machine: from this file on it obeys nobody. `host` and `workspace` are the ones that it
 * let go of; the file stays until the machine has joined as another host.
 */
const resetFileSchema = v.strictObject({
  v: v.literal(1),
  host: v.optional(id),
  workspace: digest,
  at: seconds,
  /** The edge holds the last word of the old key. */
  isTold: v.boolean(),
  /** Everything that was to be deleted is. */
  isDone: v.boolean(),
});
export type ResetFile = v.InferOutput<typeof resetFileSchema>;

export type TlsFile = v.InferOutput<typeof tlsFileSchema>;

export interface HostState {
  readonly path: string;
  readonly files: {
    readonly host: string;
    readonly tls: string;
    readonly nextTls: string;
    readonly setup: string;
    readonly keys: string;
    readonly trust: string;
    readonly journal: string;
    readonly sessionEnds: string;
    /** What this host has seen of the activity log. */
    readonly witness: string;
    readonly denyList: string;
    /** Of an installed host: the one beside it, where an owner looks for settings. */
    readonly settingsDenyList: string | undefined;
    /** What the running agent says about itself, for `clawhold status`. */
    readonly status: string;
    readonly reset: string;
    /** The door of the running agent: a unix socket for the commands of this machine. */
    readonly door: string;
  };
  readonly gatewayDirectory: string;
  /** Made by whoever looks first. */
  readonly postureDirectory: string;
  host(): HostFile | undefined;
  saveHost(host: HostFile): void;
  tls(): TlsFile | undefined;
  saveTls(tls: TlsFile): void;
  /** A newer pair that the edge has not welcomed yet. */
  nextTls(): TlsFile | undefined;
  /** Undefined forgets it. */
  saveNextTls(tls: TlsFile | undefined): void;
  setupKeys(): readonly string[];
  /** An empty list forgets them. */
  saveSetupKeys(keys: readonly string[]): void;
  /** Undefined unless this host was reset and has not joined again. */
  reset(): ResetFile | undefined;
  /** Undefined forgets it. */
  saveReset(reset: ResetFile | undefined): void;
  /** Held as long as an agent runs here. @throws {EdgeError} code `locked`, naming the holder. */
  lock(now: () => Date): Lock;
}

/** For commands that only look: a directory that they made would look like an installation to the next one. */
export function existingHostState(directory: string): HostState {
  const path = resolve(directory);
  if (!existsSync(path)) throw notJoined(path);
  return openHostState(path);
}

/** In the directory that an installation makes for it. */
const SETTINGS_DENY_LIST = "/etc/clawhold/deny";

/** Opens the directory, and makes it when it is new. */
export function openHostState(directory: string): HostState {
  const path = resolve(directory);
  for (const name of ["", "warden", "link", "gateway"]) mkdirSync(join(path, name), { recursive: true, mode: 0o700 });
  const isShared = refuseExposed(path);
  const files = {
    host: join(path, "host.json"),
    tls: join(path, "link", "tls.json"),
    nextTls: join(path, "link", "tls-next.json"),
    setup: join(path, "warden", "setup.json"),
    keys: join(path, "warden", "keys.json"),
    trust: join(path, "warden", "trust.jsonl"),
    journal: join(path, "warden", "journal.jsonl"),
    sessionEnds: join(path, "warden", "session-ends.jsonl"),
    witness: join(path, "warden", "witness.json"),
    denyList: join(path, "warden", "deny"),
    settingsDenyList: isShared ? SETTINGS_DENY_LIST : undefined,
    status: join(path, "status.json"),
    reset: join(path, "warden", "reset.json"),
    door: join(path, "agent.sock"),
  };
  return {
    path,
    files,
    gatewayDirectory: join(path, "gateway"),
    postureDirectory: join(path, "posture"),
    host: () => read(files.host, hostFileSchema, isShared ? "shown" : "private"),
    saveHost: (host) => writeFileAtomically(files.host, `${JSON.stringify(host)}\n`),
    tls: () => read(files.tls, tlsFileSchema),
    saveTls: (tls) => writeFileAtomically(files.tls, `${JSON.stringify(tls)}\n`),
    nextTls: () => read(files.nextTls, tlsFileSchema),
    saveNextTls: (tls) => writeOrRemove(files.nextTls, tls),
    setupKeys: () => read(files.setup, setupFileSchema)?.keys ?? [],
    saveSetupKeys: (keys) => writeOrRemove(files.setup, keys.length === 0 ? undefined : { v: 1, keys }),
    reset: () => read(files.reset, resetFileSchema),
    saveReset: (reset) => writeOrRemove(files.reset, reset),
    lock: (now) => acquireLock(join(path, "lock"), now),
  };
}

/** What the link of an installed host may read and write: where the edge is, and its own pairs. */
export interface LinkState extends Pick<HostState, "tls" | "saveTls" | "nextTls" | "saveNextTls"> {
  /** @throws {HostError} for a host that has not joined */
  host(): HostFile;
}

/** `hostFile` is root's; the directory is the link's own. */
export function openLinkState(hostFile: string, directory: string): LinkState {
  const files = { tls: join(directory, "tls.json"), nextTls: join(directory, "tls-next.json") };
  return {
    host: () => requireHost(hostFile),
    tls: () => read(files.tls, tlsFileSchema),
    saveTls: (tls) => writeFileAtomically(files.tls, `${JSON.stringify(tls)}\n`),
    nextTls: () => read(files.nextTls, tlsFileSchema),
    saveNextTls: (tls) => writeOrRemove(files.nextTls, tls),
  };
}

/** Of an installed host, by whichever of its users. @throws {HostError} for a host that has not joined */
export function requireHost(hostFile: string): HostFile {
  const host = read(hostFile, hostFileSchema, "shown");
  if (host === undefined) throw notJoined(dirname(hostFile));
  return host;
}

function writeOrRemove(path: string, content: object | undefined): void {
  if (content === undefined) rmSync(path, { force: true });
  else writeFileAtomically(path, `${JSON.stringify(content)}\n`);
}

/** What a joined host always has. */
export function requireJoined(state: HostState): { readonly host: HostFile; readonly tls: TlsFile } {
  refuseReset(state);
  const host = state.host();
  const tls = state.tls();
  if (host !== undefined && tls !== undefined) return { host, tls };
  throw notJoined(state.path);
}

/** The reset that this machine has not joined again after; `host.json` is only there again when it has. */
export function standingReset(state: HostState): ResetFile | undefined {
  const reset = state.reset();
  return reset?.isDone === true && existsSync(state.files.host) ? undefined : reset;
}

/** Between its first step and its last the old keys may still be there. */
export function refuseUnfinishedReset(state: HostState): void {
  if (state.reset()?.isDone !== false) return;
  throw new HostError(
    "host_reset",
    "The reset of this host was begun and is not finished, so it obeys nobody. Finish it: clawhold trust reset",
  );
}

function refuseReset(state: HostState): void {
  refuseUnfinishedReset(state);
  if (standingReset(state) === undefined) return;
  throw new HostError(
    "host_reset",
    "This host was reset and obeys nobody. Get a fresh join file, then type: clawhold join --file <join file>. It asks you to type the workspace id yourself.",
  );
}

function notJoined(path: string): HostError {
  return new HostError(
    "not_joined",
    `This host has not joined a workspace yet (nothing in ${path}). Get a join file from whoever runs the edge, then type: clawhold join --file <join file>`,
  );
}

/**
 * On an installed host others may search the directory, each for the part that is theirs, and nobody may list it. True where
 * that is so.
 */
function refuseExposed(path: string): boolean {
  const facts = lstatSync(path);
  const isOurs = facts.uid === statSync("/proc/self").uid;
  if ((facts.mode & 0o066) === 0 && isOurs) return (facts.mode & 0o011) !== 0;
  if (!isOurs && (facts.mode & 0o066) === 0)
    throw new HostError(
      "state_exposed",
      `${path} belongs to ${facts.uid === 0 ? "root" : "another user"}, who alone may look. Type this as ${facts.uid === 0 ? "root (sudo)" : "that user"}.`,
    );
  throw new HostError(
    "state_exposed",
    `${path} holds keys and is open to other users of this machine. If you trust what happened meanwhile, close it and start again: chmod 700 ${path}`,
  );
}

function read<S extends v.GenericSchema>(
  path: string,
  schema: S,
  kind?: Parameters<typeof readPrivateFile>[1],
): v.InferOutput<S> | undefined {
  const text = readPrivateFile(path, kind);
  if (text === undefined) return undefined;
  try {
    return v.parse(schema, JSON.parse(text));
  } catch {
    // The cause is dropped: a parser's message may quote the key it stumbled over.
    throw new HostError(
      "state_damaged",
      `${path} is not a file that this version wrote. Restore it from a backup, or type clawhold trust reset and join this machine anew.`,
    );
  }
}
