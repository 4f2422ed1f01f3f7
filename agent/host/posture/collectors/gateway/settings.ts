/**
 * What decides in a gateway's configuration, taken out of it as words and numbers: the configuration itself is full of
 * secrets and goes no further. The same for the file and for what a running gateway says it made of it. Pure.
 */
import { REDACTED } from "../../../gateway/config-edit.ts";
import { isBounded } from "../../../gateway/config-snapshot.ts";
import { LOCKED_EXEC, planLockdown } from "../../../gateway/lockdown.ts";
import { field, isFields } from "../../../gateway/wire.ts";

export interface GatewaySettings {
  readonly bind: string;
  readonly authMode: string;
  readonly proxyAuth: ProxyAuth | undefined;
  readonly rateLimit: RateLimit;
  readonly origins: Origins;
  /** Paths that let a device in without a person's yes. */
  readonly autoPairing: readonly string[];
  /** Paths by which everybody may write to an agent. */
  readonly openChannels: readonly string[];
  /** Paths at which commands are neither limited nor asked about. */
  readonly looseExec: readonly string[];
  readonly elevatedForAll: readonly string[];
  readonly hasTerminal: boolean;
  readonly mdns: string;
  readonly tailscale: string;
  readonly hooks: Hooks;
  readonly plugins: Plugins;
}

export interface ProxyAuth {
  readonly proxies: number;
  readonly hasUserHeader: boolean;
  readonly hasRequiredHeaders: boolean;
  readonly hasUsers: boolean;
  readonly allowsLoopback: boolean;
  readonly approvesDevices: boolean;
}

export interface RateLimit {
  readonly maxAttempts: number;
  readonly windowSeconds: number;
  readonly lockoutSeconds: number;
  readonly exemptsLoopback: boolean;
}

export interface Origins {
  readonly hasWildcard: boolean;
  readonly count: number;
  readonly trustsHostHeader: boolean;
  readonly skipsDevices: boolean;
  readonly isEnabled: boolean;
}

export interface Hooks {
  readonly isEnabled: boolean;
  readonly path: string;
  readonly tokenCharacters: number;
  readonly isGatewayToken: boolean;
  readonly choosesSessions: boolean;
}

export interface Plugins {
  /** Ids named in plugins.allow; undefined: no list. */
  readonly allow: readonly string[] | undefined;
  /** Ids switched on by an entry of their own. */
  readonly entries: readonly string[];
  /** Specs of installs that name no exact version. */
  readonly floating: readonly string[];
}

const WORD = /^[A-Za-z0-9][A-Za-z0-9@/._:-]{0,63}$/;
const MAX_NAMED = 64;
/** The gateway's own defaults, which count where nothing is written. */
const DEFAULT_RATE = { maxAttempts: 10, windowMs: 60_000, lockoutMs: 300_000 };

export function projectSettings(tree: unknown): GatewaySettings | undefined {
  if (!isFields(tree) || !isBounded(tree)) return undefined;
  const changes = planLockdown(tree, LOCKED_EXEC).changes;
  const pathsOf = (what: string): readonly string[] =>
    [...new Set(changes.filter((one) => one.what === what).map(({ path }) => path))].slice(0, MAX_NAMED);
  return {
    bind: word(at(tree, "gateway", "bind"), "loopback"),
    authMode: word(at(tree, "gateway", "auth", "mode"), "token"),
    proxyAuth: proxyAuthOf(tree),
    rateLimit: rateLimitOf(at(tree, "gateway", "auth", "rateLimit")),
    origins: originsOf(at(tree, "gateway", "controlUi")),
    autoPairing: pathsOf("auto_pairing"),
    openChannels: pathsOf("channel"),
    looseExec: pathsOf("exec"),
    elevatedForAll: elevatedOf(at(tree, "tools", "elevated")),
    hasTerminal: at(tree, "gateway", "terminal", "enabled") !== false,
    mdns: word(at(tree, "discovery", "mdns", "mode"), "minimal"),
    tailscale: word(at(tree, "gateway", "tailscale", "mode"), "off"),
    hooks: hooksOf(tree),
    plugins: pluginsOf(at(tree, "plugins")),
  };
}

function at(tree: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((inside, name) => field(inside, name), tree);
}

function word(value: unknown, fallback: string): string {
  if (value === undefined) return fallback;
  return typeof value === "string" && WORD.test(value) ? value : "other";
}

function listOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];
}

function proxyAuthOf(tree: unknown): ProxyAuth | undefined {
  if (at(tree, "gateway", "auth", "mode") !== "trusted-proxy") return undefined;
  const how = at(tree, "gateway", "auth", "trustedProxy");
  return {
    proxies: listOf(at(tree, "gateway", "trustedProxies")).length,
    hasUserHeader: typeof field(how, "userHeader") === "string",
    hasRequiredHeaders: listOf(field(how, "requiredHeaders")).length > 0,
    hasUsers: listOf(field(how, "allowUsers")).length > 0,
    allowsLoopback: field(how, "allowLoopback") === true,
    approvesDevices: at(how, "deviceAutoApprove", "enabled") === true,
  };
}

function rateLimitOf(written: unknown): RateLimit {
  const number = (name: keyof typeof DEFAULT_RATE): number => {
    const value = field(written, name);
    return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : DEFAULT_RATE[name];
  };
  return {
    maxAttempts: number("maxAttempts"),
    windowSeconds: Math.floor(number("windowMs") / 1_000),
    lockoutSeconds: Math.floor(number("lockoutMs") / 1_000),
    exemptsLoopback: field(written, "exemptLoopback") !== false,
  };
}

function originsOf(interfaceSettings: unknown): Origins {
  const allowed = listOf(field(interfaceSettings, "allowedOrigins"));
  return {
    hasWildcard: allowed.some((origin) => origin.includes("*")),
    count: allowed.length,
    trustsHostHeader: field(interfaceSettings, "dangerouslyAllowHostHeaderOriginFallback") === true,
    skipsDevices:
      field(interfaceSettings, "dangerouslyDisableDeviceAuth") === true ||
      field(interfaceSettings, "allowInsecureAuth") === true,
    isEnabled: field(interfaceSettings, "enabled") !== false,
  };
}

function elevatedOf(elevated: unknown): readonly string[] {
  const from = field(elevated, "allowFrom");
  if (field(elevated, "enabled") === false || !isFields(from)) return [];
  return Object.entries(from)
    .filter(([, senders]) => listOf(senders).some((sender) => sender.trim().endsWith("*")))
    .map(([provider]) => `tools.elevated.allowFrom.${word(provider, "other")}`)
    .slice(0, MAX_NAMED);
}

function hooksOf(tree: unknown): Hooks {
  const hooks = field(tree, "hooks");
  const token = field(hooks, "token");
  const path = field(hooks, "path");
  const shared = ["token", "password"].map((name) => at(tree, "gateway", "auth", name));
  return {
    isEnabled: field(hooks, "enabled") === true,
    path: typeof path === "string" && /^\/[A-Za-z0-9/_.-]{0,80}$/.test(path) ? path : "/hooks",
    tokenCharacters: typeof token === "string" ? token.length : 0,
    // What the gateway shows of a secret is one placeholder for all.
    isGatewayToken: typeof token === "string" && token !== "" && token !== REDACTED && shared.includes(token),
    choosesSessions: field(hooks, "allowRequestSessionKey") === true,
  };
}

function pluginsOf(plugins: unknown): Plugins {
  const allow = field(plugins, "allow");
  const entries = field(plugins, "entries");
  const installs = field(plugins, "installs");
  const on = (entry: unknown): boolean => field(entry, "enabled") !== false;
  return {
    allow: Array.isArray(allow) ? listOf(allow).slice(0, MAX_NAMED) : undefined,
    entries: Object.entries(isFields(entries) ? entries : {})
      .flatMap(([id, entry]) => (on(entry) ? [word(id, "other")] : []))
      .slice(0, MAX_NAMED),
    floating: Object.entries(isFields(installs) ? installs : {})
      .flatMap(([id, install]) => (isPinned(field(install, "spec")) ? [] : [word(id, "other")]))
      .slice(0, MAX_NAMED),
  };
}

/** `name@1.2.3`; a tag, a range or nothing is whatever somebody publishes next. */
export function isPinned(spec: unknown): boolean {
  if (typeof spec !== "string") return true; // not from a registry
  if (/^(?:\.{0,2}\/|file:|link:)/.test(spec)) return true;
  return /^(?:npm:|clawhub:)?(?:@[^@/]+\/)?[^@/]+@v?\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.-]+)?$/.test(spec);
}
