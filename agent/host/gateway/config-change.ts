/**
 * Changes the configuration of a gateway once, and sees it through: the base is what the intent pinned, the gateway's own
 * schema judges before anything is written, what is there afterwards is read and compared, and a gateway that does not come
 * back well gets the former configuration back. It may not log a value, and it never tries the same change twice.
 */
import type { Observed } from "../../../protocol/messages.ts";
import { ChangeError, isSame, MAX_PATHS, mergePatch, setAt, type Tree } from "./config-edit.ts";
import { replaceConfigFile } from "./config-file.ts";
import { changedPaths, contentOf, fits, seeConfiguration, treeOf, type SeenConfig } from "./config-seen.ts";
import { readSnapshot, type ConfigSnapshot } from "./config-snapshot.ts";
import type { GatewayOrder, Performed } from "./control-interface.ts";
import { GatewayError } from "./faults.ts";
import { KeptFileError } from "./kept-file.ts";
import { reasonOf, Refusal } from "./operations/acting.ts";
import { executed, failed, type GatewayTools } from "./operations/implementation.ts";
import { listenersOf } from "./listening.ts";
import { isReady, reviveGateway } from "./supervision.ts";
import { ConfigVersions, OUTSIDE, type ExecDefaults, type KeptVersion, type NewVersion } from "./versions-file.ts";
import { systemCode } from "../../shared/edge-error.ts";
import { supportOf } from "./versions-support.ts";
import { field, isFields } from "./wire.ts";

/** A restart takes six to fifteen seconds; a busy gateway first drains its runs. */
export const HEALTH_MILLISECONDS = 90_000;
/** So long nobody answers only when it did not come up. */
export const SILENT_MILLISECONDS = 40_000;
/** The former configuration has worked before: there is nothing better to do than to wait for it. */
export const RETURN_MILLISECONDS = 180_000;
/** What is well must still be well after this: a change that is applied at once may break it a moment later. */
const STEADY_MILLISECONDS = 1_500;
const LOOK_MILLISECONDS = 500;
/** Writing and judging a configuration takes a second on a busy machine. */
const WRITE_MILLISECONDS = 30_000;
const MAX_PATH_CHARACTERS = 200;

export interface Change {
  readonly order: Pick<GatewayOrder, "author" | "intent" | "expect">;
  readonly note?: string | undefined;
  /** What the configuration becomes. @throws {Refusal} or {ChangeError} */
  readonly plan: (before: Tree, versions: ConfigVersions) => Tree;
  /** Beyond the gateway's health: whether the change does what it is for. False takes it back, with this reason. */
  readonly proof?: { readonly holds: () => Promise<boolean>; readonly reason: string };
  /** What else the operation is about to change; kept with the version before. */
  readonly exec?: ExecDefaults;
  /** Whether a file that the gateway refuses may be the base: for putting back one that it takes. */
  readonly fromInvalid?: true;
  /** Whether it may be tried on a version that nobody has tried. */
  readonly tightens?: true;
}

export async function changeConfiguration(change: Change, tools: GatewayTools): Promise<Performed> {
  try {
    return await new Attempt(change, tools).run();
  } catch (error) {
    const reason = reasonOfError(error);
    if (reason === undefined) throw error;
    tools.log("config_change_failed", { code: reason });
    return failed(reason);
  }
}

/** A code for what stands in the way; undefined for a mistake of ours. */
export function reasonOfError(error: unknown): string | undefined {
  if (error instanceof Refusal) return error.reason;
  if (error instanceof ChangeError || error instanceof KeptFileError) return error.code;
  if (error instanceof GatewayError) return reasonOf(error.fault);
  return systemCode(error) === undefined ? undefined : "local_file";
}

/** The newest version is what runs: what came from elsewhere since then becomes one of its own. */
export function noteOutside(seen: SeenConfig, versions: ConfigVersions, now: number): KeptVersion | undefined {
  const newest = versions.newest();
  const former = newest === undefined ? undefined : versions.content(newest.version)?.tree;
  const paths = former === undefined ? [] : changedPaths(former, seen.snapshot.tree);
  if (former !== undefined && paths.length === 0) return newest;
  const entry = { at: now, author: OUTSIDE, hash: seen.snapshot.written, paths: shorten(paths) };
  return versions.keep(entry, contentOf(seen));
}

function shorten(paths: readonly string[]): string[] {
  return paths.slice(0, MAX_PATHS).map((path) => path.slice(0, MAX_PATH_CHARACTERS));
}

interface Sent {
  /** The gateway's name for what it wrote; undefined when its answer was lost. */
  readonly hash: string | undefined;
  readonly restarts: boolean;
}

interface Well {
  readonly snapshot: ConfigSnapshot;
  readonly bootId: string | undefined;
}

interface Patience {
  /** The gateway restarts for this change, so another boot must answer. */
  readonly formerBoot?: string | undefined;
  readonly milliseconds?: number;
  readonly silence?: number;
}

class Attempt {
  readonly #change: Change;
  readonly #tools: GatewayTools;
  readonly #versions: ConfigVersions;

  constructor(change: Change, tools: GatewayTools) {
    this.#change = change;
    this.#tools = tools;
    this.#versions = new ConfigVersions(tools.directory);
  }

  async run(): Promise<Performed> {
    const seen = await seeConfiguration(this.#tools);
    this.#refuse(seen);
    const before = treeOf(seen);
    const after = this.#change.plan(before, this.#versions);
    const patch = mergePatch(before, after);
    const base = this.#keepBefore(seen);
    if (patch === undefined) {
      const version = base === undefined ? {} : { version: base.version };
      return executed({
        ...observedOf(seen, { snapshot: seen.snapshot, bootId: seen.bootId }),
        ...version,
        changed: 0,
      });
    }
    const sent = await this.#send(seen, patch);
    const formerBoot = sent.restarts ? seen.bootId : undefined;
    const well = await this.#becomesWell((shown) => isMade(before, after, shown), { formerBoot });
    if (well === undefined) return this.#takeBack(seen, sent, undefined);
    const { proof } = this.#change;
    if (proof !== undefined && !(await proof.holds())) return this.#takeBack(seen, sent, proof.reason);
    return this.#keepAfter(seen, well);
  }

  #refuse({ snapshot, version }: SeenConfig): void {
    const isKnown = version !== undefined && supportOf(version) === "known";
    // What its keys mean in a version that nobody has tried is a guess; to tighten is worth one.
    if (!isKnown && this.#change.tightens !== true) throw new Refusal("version_unknown");
    const pinned = this.#change.order.expect.configHash;
    if (pinned !== undefined && pinned !== snapshot.applied) throw new Refusal("changed");
    if (this.#change.fromInvalid === true) return;
    if (!snapshot.isValid) throw new Refusal("config_invalid");
    // The file says something else than what runs: whoever approved has seen only one of the two.
    if (snapshot.written !== snapshot.applied) throw new Refusal("config_pending");
  }

  #keepBefore(seen: SeenConfig): KeptVersion | undefined {
    const { exec } = this.#change;
    const found = noteOutside(seen, this.#versions, this.#tools.now());
    if (exec === undefined || found === undefined) return found;
    this.#versions.amend(found.version, { ...contentOf(seen), exec });
    return found;
  }

  async #send(seen: SeenConfig, { patch, replacePaths }: NonNullable<ReturnType<typeof mergePatch>>): Promise<Sent> {
    const parameters = {
      raw: JSON.stringify(patch),
      baseHash: seen.snapshot.baseHash,
      note: `Clawhold ${this.#change.order.intent.slice(0, 8)}`,
      ...(replacePaths.length === 0 ? {} : { replacePaths }),
    };
    const connection = await this.#tools.open("operator.admin");
    try {
      return sentOf(await connection.call("config.patch", parameters, { milliseconds: WRITE_MILLISECONDS }));
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      if (error.fault === "refused") throw new Refusal(await this.#whyRefused(seen));
      // Lost under way: it may have been written, so the configuration itself is looked at.
      if (["closed", "timeout", "unreachable"].includes(error.fault)) return { hash: undefined, restarts: false };
      throw error;
    } finally {
      connection.close();
    }
  }

  /** The gateway says both in words only; which it was is seen in what is there now. */
  async #whyRefused({ snapshot }: SeenConfig): Promise<string> {
    const now = await this.#look();
    return now === undefined || now.snapshot.baseHash === snapshot.baseHash ? "schema" : "changed";
  }

  async #look(): Promise<Well | undefined> {
    try {
      const connection = await this.#tools.open("operator.admin");
      try {
        return { snapshot: await readSnapshot(connection), bootId: connection.hello.bootId };
      } finally {
        connection.close();
      }
    } catch (error) {
      if (error instanceof GatewayError) return undefined;
      throw error;
    }
  }

  async #becomesWell(
    isThere: (shown: Tree) => boolean,
    { formerBoot, milliseconds = HEALTH_MILLISECONDS, silence = SILENT_MILLISECONDS }: Patience,
  ): Promise<Well | undefined> {
    const { elapsed, wait } = this.#tools;
    const until = elapsed() + milliseconds;
    let heard = elapsed();
    let wellSince: number | undefined;
    while (elapsed() < until && elapsed() - heard < silence) {
      const now = (await isReady(this.#tools)) ? await this.#look() : undefined;
      if (now !== undefined) heard = elapsed();
      if (now !== undefined && isWell(now, formerBoot) && isThere(now.snapshot.tree)) {
        wellSince ??= elapsed();
        if (elapsed() - wellSince >= STEADY_MILLISECONDS) return now;
      } else wellSince = undefined;
      await wait(LOOK_MILLISECONDS);
    }
    return undefined;
  }

  /** The former configuration again; the receipt says that the change failed and whether this worked. */
  async #takeBack(seen: SeenConfig, sent: Sent, reason: string | undefined): Promise<Performed> {
    this.#tools.log("config_taken_back", {});
    const now = await this.#look();
    if (now?.snapshot.baseHash === seen.snapshot.baseHash) {
      return failed(sent.hash === undefined ? "not_written" : (reason ?? "rolled_back"), observedOf(seen, now));
    }
    // Somebody else wrote meanwhile: his change is not ours to take away.
    if (now !== undefined && sent.hash !== undefined && now.snapshot.baseHash !== sent.hash)
      return failed("changed_meanwhile", observedOf(seen, now));
    const isTold = now === undefined ? await this.#restoreFile(seen) : await this.#patchBack(seen, now);
    const isFormer = (shown: Tree): boolean => changedPaths(seen.snapshot.tree, shown).length === 0;
    const well = isTold
      ? await this.#becomesWell(isFormer, { milliseconds: RETURN_MILLISECONDS, silence: RETURN_MILLISECONDS })
      : undefined;
    if (well === undefined) return failed("rollback_failed", observedOf(seen, undefined));
    return failed(reason ?? "rolled_back", observedOf(seen, well));
  }

  async #patchBack(seen: SeenConfig, now: Well): Promise<boolean> {
    const present = seen.file === undefined ? undefined : await seeConfiguration(this.#tools);
    const shown = present === undefined ? now.snapshot.tree : treeOf(present);
    try {
      const patch = mergePatch(shown, withStampOf(shown, treeOf(seen)));
      if (patch === undefined) return true;
      await this.#send({ ...seen, snapshot: now.snapshot }, patch);
      return true;
    } catch (error) {
      const kinds = [Refusal, GatewayError, ChangeError];
      if (kinds.some((kind) => error instanceof kind)) return this.#restoreFile(seen);
      throw error;
    }
  }

  async #restoreFile({ file, process }: SeenConfig): Promise<boolean> {
    if (file === undefined || !(await replaceConfigFile(file.path, file.text))) return false;
    return reviveGateway(this.#tools, process);
  }

  async #keepAfter(seen: SeenConfig, well: Well): Promise<Performed> {
    const paths = changedPaths(seen.snapshot.tree, well.snapshot.tree);
    const observed = { ...observedOf(seen, well), changed: Math.max(1, paths.length) };
    try {
      const { version } = this.#versions.keep(this.#entry(well, paths), contentOf(await seeConfiguration(this.#tools)));
      return executed({ ...observed, version });
    } catch (error) {
      // What was asked for is done; that its version is missing is said beside it.
      if (reasonOfError(error) === undefined) throw error;
      return executed({ ...observed, reason: "version_not_kept" });
    }
  }

  #entry({ snapshot }: Well, paths: readonly string[]): NewVersion {
    const { order, note } = this.#change;
    return {
      at: this.#tools.now(),
      author: order.author,
      intent: order.intent,
      ...(note === undefined ? {} : { note }),
      hash: snapshot.written,
      paths: shorten(paths),
    };
  }
}

function sentOf(answer: unknown): Sent {
  const hash = field(answer, "hash");
  if (field(answer, "ok") !== true || typeof hash !== "string") throw new GatewayError("hostile", "CONFIG_WRITTEN");
  const stats = field(field(field(answer, "sentinel"), "payload"), "stats");
  return { hash, restarts: field(stats, "requiresRestart") === true };
}

function isWell({ snapshot, bootId }: Well, formerBoot: string | undefined): boolean {
  const isNewBoot = formerBoot === undefined || (bootId !== undefined && bootId !== formerBoot);
  return snapshot.isValid && snapshot.written === snapshot.applied && isNewBoot;
}

/** Whether every place that was to change is exactly as wanted; the others are the gateway's business. */
function isMade(before: Tree, wanted: Tree, shown: Tree): boolean {
  if (isSame(before, wanted)) return true;
  if (!isFields(before) || !isFields(wanted)) return fits(wanted, shown);
  const names = new Set([...Object.keys(before), ...Object.keys(wanted)]);
  return [...names].every((name) => isMade(field(before, name), field(wanted, name), field(shown, name)));
}

/** The gateway writes its own stamp again, whatever it is told. */
function withStampOf(present: Tree, wanted: Tree): Tree {
  return setAt(wanted, ["meta"], field(present, "meta"));
}

function observedOf(seen: SeenConfig, now: Well | undefined): Observed {
  const before = {
    configBefore: seen.snapshot.applied,
    ...(seen.bootId === undefined ? {} : { gatewayBootBefore: seen.bootId }),
  };
  if (now === undefined) return before;
  const boot = now.bootId === undefined ? {} : { gatewayBootAfter: now.bootId };
  return { ...before, configAfter: now.snapshot.applied, ...boot };
}

/** By the kernel's word: everything that the gateway's port is open on is this machine's own. Unknown counts as so. */
export async function seeLoopback(tools: Pick<GatewayTools, "target">): Promise<boolean> {
  const { port, network } = await tools.target();
  const listeners = await listenersOf(port, network?.tables);
  return listeners === undefined || listeners.every(({ loopback }) => loopback);
}
