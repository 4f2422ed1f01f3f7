/**
 * Changes of the configuration: by path, back to a kept version, and the three that tighten by a plan of their own. What
 * may be written is the gateway's own schema's to judge; what is written is seen through by config-change.ts.
 */
import type { ConfigChange } from "../../../../protocol/operations/configuration.ts";
import { changeConfiguration, reasonOfError, seeLoopback } from "../config-change.ts";
import { applyChanges, MAX_PATHS, setAt, valueAt, type Tree } from "../config-edit.ts";
import { parseConfigText } from "../config-file.ts";
import { changedPaths } from "../config-seen.ts";
import { readSnapshot } from "../config-snapshot.ts";
import type { GatewayOrder, Performed } from "../control-interface.ts";
import { execPaths, readExecRules, writeExecRules, type ExecRules } from "../exec-defaults.ts";
import { GatewayError } from "../faults.ts";
import type { Scope } from "../handshake.ts";
import { bindToLoopback, planLockdown } from "../lockdown.ts";
import { rotateSecret } from "../rotate-secret.ts";
import { renewGateway } from "../supervision.ts";
import type { ConfigVersions, ExecDefaults, VersionContent } from "../versions-file.ts";
import { isFields } from "../wire.ts";
import { Refusal } from "./acting.ts";
import { bootNow } from "./process.ts";
import { failed, type GatewayImplementation, type GatewayTools } from "./implementation.ts";

/** Everything that this agent ever asks for, on one connection: later it may not be widened silently any more. */
const ALL_SCOPES: readonly Scope[] = [
  "operator.admin",
  "operator.read",
  "operator.write",
  "operator.approvals",
  "operator.pairing",
];

function setPaths(order: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  const { changes, note } = order.content as ConfigChange; // the warden has held it against this very schema
  const isAsShown = changes.length === order.args["changes"];
  if (!isAsShown) return Promise.resolve(failed("change_invalid"));
  return changeConfiguration({ order, note, plan: (before) => applyChanges(before, changes) }, tools);
}

async function rollBack(order: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  const version = Number(order.args["version"]);
  let exec: ExecDefaults | undefined;
  const plan = (before: Tree, versions: ConfigVersions): Tree => {
    const content = versions.find(version) === undefined ? undefined : versions.content(version);
    if (content === undefined) throw new Refusal("no_such_version");
    ({ exec } = content);
    const after = keepOwnDoor(treeOfVersion(content), before);
    mustBeShowable(before, after, exec);
    return after;
  };
  const done = await changeConfiguration(
    { order, note: `Back to version ${String(version)}`, plan, fromInvalid: true },
    tools,
  );
  const wanted = exec;
  if (done.verdict !== "executed" || wanted === undefined) return done;
  return withExec(done, tools, (connection) => writeExecRules(connection, wanted));
}

/** Whoever approves is shown so many changes; what he could not see whole he has not approved. */
function mustBeShowable(before: Tree, after: Tree, exec: ExecDefaults | undefined): void {
  // A file that does not parse shows nothing: putting one back is all that helps, and the version is known whole.
  if (isFields(before) && Object.keys(before).length === 0) return;
  const others = exec === undefined ? 0 : Object.keys(execPaths).length;
  if (changedPaths(before, after).length + others > MAX_PATHS) throw new Refusal("too_many_changes");
}

/** The file's own text holds the secrets of then; without it the gateway puts its present ones in their places. */
function treeOfVersion({ text, tree }: VersionContent): Tree {
  const whole = text === undefined ? undefined : parseConfigText(text);
  return isFields(whole) ? whole : tree;
}

/**
 * Who may come in is never rolled back: a secret that was replaced may be one that was stolen. Neither is the gateway's
 * own stamp on the file, which it would write again.
 */
function keepOwnDoor(wanted: Tree, present: Tree): Tree {
  return [["gateway", "auth", "token"], ["gateway", "auth", "password"], ["meta"]].reduce(
    (tree, path) => setAt(tree, path, valueAt(present, path.join("."))),
    wanted,
  );
}

type WithConnection = (connection: Awaited<ReturnType<GatewayTools["open"]>>) => Promise<boolean>;

/** The rules for commands stand apart from the configuration, so they are changed after it; one without the other is said. */
async function withExec(done: Performed, tools: GatewayTools, write: WithConnection): Promise<Performed> {
  try {
    const connection = await tools.open("operator.admin");
    try {
      return (await write(connection)) ? done : failed("exec_rules_left", done.observed);
    } finally {
      connection.close();
    }
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    tools.log("exec_rules_left", { code: error.code });
    return failed("exec_rules_left", done.observed);
  }
}

async function execNow(tools: GatewayTools): Promise<ExecRules> {
  const connection = await tools.open("operator.admin");
  try {
    return await readExecRules(connection);
  } finally {
    connection.close();
  }
}

async function lockdownSubject(tools: GatewayTools): Promise<string | undefined> {
  try {
    const connection = await tools.open("operator.admin");
    try {
      const { tree } = await readSnapshot(connection);
      return planLockdown(tree, await readExecRules(connection)).subject;
    } finally {
      connection.close();
    }
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}

async function lockDown(order: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  let exec: ExecRules;
  try {
    exec = await execNow(tools);
    // From then on the gateway pairs nothing by itself, us included: everything that we shall need is asked for before.
    (await tools.open(...ALL_SCOPES)).close();
  } catch (error) {
    const reason = reasonOfError(error);
    if (reason === undefined) throw error;
    return failed(reason);
  }
  let planned = 0;
  let rules: ExecRules | undefined;
  const plan = (before: Tree): Tree => {
    const found = planLockdown(before, exec);
    if (order.expect.subject !== undefined && order.expect.subject !== found.subject) throw new Refusal("changed");
    planned = found.changes.length;
    rules = found.exec;
    return found.after;
  };
  const { agents: _agents, ...defaults } = exec;
  const done = await changeConfiguration({ order, note: "Lockdown", plan, exec: defaults, tightens: true }, tools);
  if (done.verdict !== "executed") return done;
  const counted: Performed = { ...done, observed: { ...done.observed, changed: planned } };
  const wanted = rules;
  const locked =
    wanted === undefined ? counted : await withExec(counted, tools, (connection) => writeExecRules(connection, wanted));
  return locked.verdict === "executed" ? mustBeLoopback(locked, tools) : locked;
}

async function bindLoopback(order: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  const note = "Bind to this machine only";
  const done = await changeConfiguration({ order, note, plan: bindToLoopback, tightens: true }, tools);
  return done.verdict === "executed" ? mustBeLoopback(done, tools) : done;
}

/**
 * The gateway restarts in place and then still listens where it did, so the process is renewed. Who started it may also have
 * named the addresses on its command line, and that wins over the file: then it stays exposed and this says so.
 */
async function mustBeLoopback(done: Performed, tools: GatewayTools): Promise<Performed> {
  if (await seeLoopback(tools)) return done;
  if (!(await renewGateway(tools)) || !(await seeLoopback(tools))) return failed("still_exposed", done.observed);
  const boot = await bootNow(tools);
  return { ...done, observed: { ...done.observed, ...(boot === undefined ? {} : { gatewayBootAfter: boot }) } };
}

export const configurationRows = {
  "config.set@1": { perform: setPaths },
  "config.rollback@1": { perform: rollBack },
  "gateway.lockdown@1": { subject: (_args, tools) => lockdownSubject(tools), perform: lockDown },
  "gateway.bind-loopback@1": { perform: bindLoopback },
  "gateway-token.rotate@1": { perform: rotateSecret },
} as const satisfies Record<string, GatewayImplementation>;
