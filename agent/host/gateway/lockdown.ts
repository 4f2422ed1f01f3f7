/**
 * What a lockdown would change, worked out from the configuration alone: the same facts give the same list, so that what a
 * person was shown is what is done. It only ever tightens, and leaves alone what is as tight already or tighter.
 */
import { encodeCanonical } from "../../../protocol/canonical.ts";
import type { ReadResult } from "../../../protocol/reads.ts";
import { digestOf } from "../../../protocol/signing.ts";
import { setAt, type Tree } from "./config-edit.ts";
import type { ExecRules } from "./exec-defaults.ts";
import { LOCKED_EXEC, planExec, type ExecStep } from "./lockdown-exec.ts";
import { isEverybody } from "./operations/channel-settings.ts";
import type { ExecDefaults } from "./versions-file.ts";
import { field, isFields } from "./wire.ts";

export { LOCKED_EXEC } from "./lockdown-exec.ts";

export type LockdownChange = ReadResult<"gateway.lockdown@1">["changes"][number];

/** The gateway's own limit for one change of ours; a second lockdown does what is left. */
const MAX_CHANGES = 64;
const MAX_TEXT = 200;
const MAX_NAMED = 500;

interface Step {
  readonly what: LockdownChange["what"];
  readonly at: readonly string[];
  readonly from: Tree;
  /** Undefined takes it out. */
  readonly to: Tree;
  readonly restarts: boolean;
}

export interface LockdownPlan {
  /** Names these very changes; pinned by whoever approves. */
  readonly subject: string;
  readonly changes: readonly LockdownChange[];
  /** The configuration afterwards. */
  readonly after: Tree;
  /** What the gateway's rules for commands become; undefined where they stay. */
  readonly exec: ExecRules | undefined;
}

/** `exec`: the gateway's rules for commands; undefined where they could not be seen. */
export function planLockdown(tree: Tree, exec: ExecRules | undefined): LockdownPlan {
  const steps = [
    ...bindSteps(tree),
    ...terminalSteps(tree),
    ...pairingSteps(tree),
    ...execSteps(tree),
    ...channelSteps(tree),
  ];
  const rules = planExec(exec ?? LOCKED_EXEC);
  const kept = steps.slice(0, MAX_CHANGES - rules.steps.length);
  const changes = [...kept.map(shown), ...rules.steps.map(shownExec)];
  return {
    subject: digestOf("subject", encodeCanonical({ changes })),
    changes,
    after: kept.reduce((all, { at, to }) => setAt(all, at, to), tree),
    exec: rules.rules,
  };
}

/** The part of a lockdown that ends a gateway's exposure. */
export function bindToLoopback(tree: Tree): Tree {
  return bindSteps(tree).reduce((all, { at, to }) => setAt(all, at, to), tree);
}

function at(tree: Tree, ...path: readonly string[]): Tree {
  return path.reduce<Tree>((inside, name) => field(inside, name), tree);
}

function bindSteps(tree: Tree): readonly Step[] {
  const steps: Step[] = [];
  const bind = at(tree, "gateway", "bind");
  if (bind !== undefined && bind !== "loopback")
    steps.push({ what: "bind", at: ["gateway", "bind"], from: bind, to: "loopback", restarts: true });
  const tailscale = at(tree, "gateway", "tailscale", "mode");
  if (tailscale !== undefined && tailscale !== "off")
    steps.push({ what: "bind", at: ["gateway", "tailscale", "mode"], from: tailscale, to: "off", restarts: true });
  return steps;
}

/** On unless it is said to be off: it is a shell of the gateway's user. */
function terminalSteps(tree: Tree): readonly Step[] {
  return unlessFalse(tree, ["gateway", "terminal", "enabled"], "terminal");
}

function pairingSteps(tree: Tree): readonly Step[] {
  const pairing = ["gateway", "nodes", "pairing"];
  const networks = at(tree, ...pairing, "autoApproveCidrs");
  const steps = [
    ...unlessFalse(tree, [...pairing, "autoApproveLocal"], "auto_pairing"),
    ...unlessFalse(tree, [...pairing, "sshVerify"], "auto_pairing"),
  ];
  if (!Array.isArray(networks) || networks.length === 0) return steps;
  const cidrs = [...pairing, "autoApproveCidrs"];
  return [...steps, { what: "auto_pairing", at: cidrs, from: networks, to: undefined, restarts: false }];
}

function unlessFalse(tree: Tree, path: readonly string[], what: Step["what"]): readonly Step[] {
  const value = at(tree, ...path);
  return value === false ? [] : [{ what, at: path, from: value, to: false, restarts: false }];
}

/** For everybody, and wherever an agent has rules of its own. */
function execSteps(tree: Tree): readonly Step[] {
  const entries = at(tree, "agents", "entries");
  const own = isFields(entries) ? Object.keys(entries).slice(0, MAX_NAMED) : [];
  return [
    ...execAt(tree, ["tools", "exec"], true),
    ...own.flatMap((name) => execAt(tree, ["agents", "entries", name, "tools", "exec"], false)),
  ];
}

function execAt(tree: Tree, path: readonly string[], isDefault: boolean): readonly Step[] {
  const rules = at(tree, ...path);
  const [mode, security, ask] = ["mode", "security", "ask"].map((name) => field(rules, name));
  const says = mode !== undefined || security !== undefined || ask !== undefined;
  if (!says && !isDefault) return [];
  const isTight =
    mode === undefined
      ? security === "deny" || security === "allowlist" || ask === "always"
      : mode === "deny" || mode === "allowlist" || mode === "ask";
  if (isTight) return [];
  const gone = [["security", security] as const, ["ask", ask] as const].flatMap(([name, from]): readonly Step[] =>
    from === undefined ? [] : [{ what: "exec", at: [...path, name], from, to: undefined, restarts: false }],
  );
  return [...gone, { what: "exec", at: [...path, "mode"], from: mode, to: "ask", restarts: false }];
}

function channelSteps(tree: Tree): readonly Step[] {
  const channels = at(tree, "channels");
  if (!isFields(channels)) return [];
  return Object.keys(channels)
    .slice(0, MAX_NAMED)
    .flatMap((name) => {
      const accounts = at(channels, name, "accounts");
      const own = isFields(accounts) ? Object.keys(accounts).slice(0, MAX_NAMED) : [];
      const channel = ["channels", name];
      const root: Place = { at: channel, above: undefined, isRoot: own.length > 0 };
      const places = own.map((one): Place => ({ at: [...channel, "accounts", one], above: channel, isRoot: false }));
      return [root, ...places].flatMap((place) => openDoors(tree, place));
    });
}

interface Place {
  readonly at: readonly string[];
  /** Where it takes what it does not say itself. */
  readonly above: readonly string[] | undefined;
  /** Accounts take from here what they do not say. */
  readonly isRoot: boolean;
}

/** Anybody may write, in one of the three spellings that channels have for it. */
function openDoors(tree: Tree, place: Place): readonly Step[] {
  const nested = { ...place, at: [...place.at, "dm"], above: place.above && [...place.above, "dm"] };
  return [
    ...openDirect(tree, place, "dmPolicy"),
    ...openDirect(tree, nested, "policy"),
    ...(at(tree, ...place.at, "groupPolicy") === "open"
      ? [channelStep([...place.at, "groupPolicy"], "open", "allowlist")]
      : []),
  ];
}

/** A list that allows everybody leaves the door open whatever the policy says; only a disabled one lets nobody in. */
function openDirect(tree: Tree, place: Place, key: string): readonly Step[] {
  const own = at(tree, ...place.at, key);
  const policy = own ?? inheritedBy(tree, place, key);
  if (policy === "disabled" && !place.isRoot) return [];
  const listed = at(tree, ...place.at, "allowFrom");
  const allowed = listed ?? inheritedBy(tree, place, "allowFrom");
  const senders: readonly unknown[] = Array.isArray(allowed) ? allowed : [];
  const named = senders.filter((sender) => typeof sender !== "string" || !isEverybody(sender));
  const isEverybodyIn = named.length < senders.length;
  // The gateway takes no list of nobody for a list to go by.
  const isLeftEmpty = policy === "allowlist" && isEverybodyIn && named.length === 0;
  const isOwn = own !== undefined || listed !== undefined;
  return [
    ...(own === "open" || (isLeftEmpty && isOwn) ? [channelStep([...place.at, key], own, "pairing")] : []),
    ...(isEverybodyIn && listed !== undefined ? [channelStep([...place.at, "allowFrom"], listed, named)] : []),
  ];
}

function inheritedBy(tree: Tree, { above }: Place, key: string): Tree {
  return above === undefined ? undefined : at(tree, ...above, key);
}

function channelStep(path: readonly string[], from: Tree, to: Tree): Step {
  return { what: "channel", at: path, from, to, restarts: false };
}

function shown({ what, at: path, from, to, restarts }: Step): LockdownChange {
  return { what, path: print(path.join(".")), from: print(from), to: print(to), restarts };
}

function shownExec({ path, from, to }: ExecStep): LockdownChange {
  return { what: "exec_file", path: print(path), from: rulesText(from), to: rulesText(to), restarts: false };
}

function rulesText({ security = "full", ask = "off", askFallback = "deny" }: ExecDefaults): string {
  return print(`${security}, ask ${ask}, else ${askFallback}`);
}

/** Names and values are the gateway's: what is not plain text is spelt out, so that it reads as what it is. */
function print(value: Tree): string {
  const text = value === undefined ? "not set" : typeof value === "string" ? value : JSON.stringify(value);
  return text
    .replaceAll(/[^\x20-\x7e]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
    .slice(0, MAX_TEXT);
}
