/** Gathers the facts that advice rests on. What cannot be seen now is left out, and never a reason to give no advice. */
import type { ReadResult } from "../../../../protocol/reads.ts";
import { readSnapshot } from "../config-snapshot.ts";
import { readExecDefaults } from "../exec-defaults.ts";
import { GatewayError } from "../faults.ts";
import { listenersOf } from "../listening.ts";
import { readMachine } from "../machine.ts";
import { rowsOf } from "../operations/acting.ts";
import { readSystem } from "../projection.ts";
import { ReadingError } from "../reading-error.ts";
import { modelNameOf } from "../shares.ts";
import { ConfigVersions, type ExecDefaults } from "../versions-file.ts";
import { field } from "../wire.ts";
import { adviceOf, type AdviceFacts, type DayFigures, type SessionSize } from "./advice-rules.ts";
import type { Asking } from "./asking.ts";
import { channelRules } from "./channels.ts";
import { driftOf } from "./configuration.ts";
import { readDevices } from "./devices.ts";
import { readJobs } from "./jobs.ts";
import { count } from "./shown.ts";
import { askUsage, sharesIn } from "./usage.ts";

const DAYS = 7;

export async function readAdvice(asking: Asking): Promise<ReadResult<"gateway.advice@1">> {
  const { acting, deps, now } = asking;
  // Whoever does not answer at all is asked nothing more.
  const connection = await acting.connection();
  const [settings, usage, jobs, devices, channels, sessions, system, target] = await Promise.all([
    seen(settingsFacts(asking)),
    seen(usageFacts(asking)),
    seen(readJobs(asking)),
    seen(readDevices(asking)),
    seen(channelRules(asking)),
    seen(sessionSizes(asking)),
    seen(asking.ask("system.info")),
    deps.target(),
  ]);
  // Nothing seen is not the same as nothing to improve.
  if ([settings, usage, jobs, sessions].every((fact) => fact === undefined)) throw new ReadingError("gateway");
  const listeners = await listenersOf(target.port, target.network?.tables);
  const used = readSystem(system).rssBytes;
  const facts: AdviceFacts = {
    now,
    openListeners: listeners?.filter(({ loopback }) => !loopback).length,
    channels,
    commandsUnasked: settings?.commandsUnasked,
    terminal: settings?.terminal,
    autoPairing: settings?.autoPairing,
    drift: settings?.drift,
    jobs: jobs?.jobs,
    devices: devices?.devices,
    sessions,
    models: usage?.models,
    tokens: usage?.tokens,
    days: usage?.days,
    version: connection.hello.version,
    memory: used === undefined ? undefined : { used, total: readMachine().memoryTotalBytes },
  };
  return { at: now, advice: adviceOf(facts) };
}

async function seen<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof GatewayError || error instanceof ReadingError) return undefined;
    throw error;
  }
}

type SettingsFacts = Pick<AdviceFacts, "commandsUnasked" | "terminal" | "autoPairing" | "drift">;

async function settingsFacts({ wide, deps }: Asking): Promise<SettingsFacts> {
  const connection = await wide.connection();
  const [{ tree }, exec] = await Promise.all([readSnapshot(connection), readExecDefaults(connection)]);
  const gateway = field(tree, "gateway");
  const versions = new ConfigVersions(deps.directory);
  const newest = versions.newest();
  const content = newest === undefined ? undefined : versions.content(newest.version);
  return {
    commandsUnasked: isUnasked(exec, field(field(tree, "tools"), "exec")),
    // Both are on where nobody said otherwise.
    terminal: field(field(gateway, "terminal"), "enabled") !== false,
    autoPairing: field(field(field(gateway, "nodes"), "pairing"), "autoApproveLocal") !== false,
    drift:
      newest === undefined || content === undefined
        ? undefined
        : { paths: driftOf(content.tree, tree).length, version: newest.version },
  };
}

/** The stricter of the two lists counts; both let everything run unless they say otherwise. */
function isUnasked({ security, ask }: ExecDefaults, rules: unknown): boolean {
  const mode = field(rules, "mode") ?? "full";
  const isOpenHere =
    mode === "full" && (field(rules, "security") ?? "full") === "full" && field(rules, "ask") !== "always";
  return isOpenHere && (security ?? "full") === "full" && (ask ?? "off") !== "always";
}

async function usageFacts(asking: Asking): Promise<Pick<AdviceFacts, "models" | "tokens" | "days">> {
  const answer = await askUsage(asking, DAYS);
  // Figures that are being computed are smaller than they are.
  if (field(field(answer, "cacheStatus"), "status") !== "fresh")
    return { models: undefined, tokens: undefined, days: undefined };
  const totals = field(answer, "totals");
  const aggregates = field(answer, "aggregates");
  const days = field(aggregates, "daily");
  return {
    models: sharesIn(aggregates, {
      key: "byModel",
      nameOf: modelNameOf,
      tag: (name) => asking.acting.tags.tag("model", name),
    }),
    tokens: { input: count(field(totals, "input")) ?? 0, cacheRead: count(field(totals, "cacheRead")) ?? 0 },
    days: (Array.isArray(days) ? days : []).slice(-DAYS).flatMap((day: unknown) => dayOf(day) ?? []),
  };
}

function dayOf(day: unknown): DayFigures | undefined {
  const date = field(day, "date");
  const tokens = count(field(day, "tokens"));
  const messages = count(field(day, "messages"));
  return typeof date !== "string" || tokens === undefined || messages === undefined
    ? undefined
    : { date, tokens, messages };
}

async function sessionSizes({ acting }: Asking): Promise<readonly SessionSize[]> {
  const rows = await rowsOf(acting, { method: "sessions.list", parameters: { limit: 200 }, key: "sessions" });
  return rows.flatMap((row) => {
    const key = field(row, "key");
    const tokens = count(field(row, "totalTokens"));
    const limit = count(field(row, "contextTokens"));
    if (typeof key !== "string" || tokens === undefined || limit === undefined) return [];
    return [{ tag: acting.tags.tag("session", key), key, tokens, limit }];
  });
}
