/**
 * The local edge as a whole: data directory, keys, listeners, workerd, migrations, in the order in which a failure
 * costs least and nothing is served half-made. Composes the parts and holds no rule of its own.
 */

import { X509Certificate } from "node:crypto";
import { readdirSync } from "node:fs";
import type { AdminRequest } from "./admin.ts";
import { namedKeys, openAdmin } from "./admin.ts";
import type { Asked, BindOptions } from "./bind/asked.ts";
import { advertisedHost, prepareBind } from "./bind/asked.ts";
import type { KeyPair } from "./certificates.ts";
import { applyMigrations, openSql } from "./d1.ts";
import type { Migration } from "./d1.ts";
import type { DataDirectory } from "./data-directory.ts";
import { DASHBOARD_FILE, ENDPOINT_FILE, openDataDirectory } from "./data-directory.ts";
import type { EdgeEvent, EdgeLog } from "./edge-log.ts";
import { openLogFile } from "./edge-log.ts";
import { writeFileAtomically } from "../shared/atomic-file.ts";
import type { Front } from "./front.ts";
import { takeFront } from "./front.ts";
import { readReleaseFiles } from "./release-files.ts";
import { drain, tellHosts } from "./drain.ts";
import { isReady, openMonitoring } from "./monitoring.ts";
import type { MetricsPlace } from "./metrics-front.ts";
import { connectionBudget, sayTooFew } from "./open-files.ts";
import { readOpenFileLimit } from "./listen.ts";
import { Traffic } from "./traffic.ts";
import { addNextSeed, hasNextSeed, settleKeys, type KeyJob } from "./key-change.ts";
import type { EdgeKeys } from "./keys.ts";
import { closeAll, type Closers } from "./closers.ts";
import { attempt, hourly, type Chore } from "./hourly.ts";
import { recordIssued } from "./issued-certificates.ts";
import { deriveSettingsKey, loadKeys, loadServerCertificate, readKeys } from "./keys.ts";
import { DASHBOARD_HOSTNAME, hostHeader, IPV4_LOOPBACK } from "./loopback.ts";
import { upgradeData } from "./upgrade.ts";
import type { OwnDoor } from "./web-front.ts";
import type { Sockets, WorkerEnvironment } from "./workerd-config.ts";
import { writeConfig } from "./workerd-config.ts";
import { Workerd } from "./workerd.ts";

export interface EdgeOptions {
  readonly dataDir: string;
  /** 0: any free port (tests). */
  readonly port: number;
  readonly agentPort: number;
  /** Where else to listen; the dashboard there is of class daily. */
  readonly bind?: BindOptions | undefined;
  readonly workerBundlePath: string;
  readonly webDir: string;
  /** What a machine that becomes a host fetches. */
  readonly releaseDir?: string;
  /** What the dashboard's own name answers beside the edge. */
  readonly own?: OwnDoor | undefined;
  /** In order. */
  readonly migrations: readonly Migration[];
  /** Of this program; backups name it. */
  readonly version?: string;
  /** Every rate of the Worker times this; 1 by itself. */
  readonly rateFactor?: string | undefined;
  /** Absent: nothing is told to a monitoring system. */
  readonly metrics?: MetricsPlace | undefined;
  readonly log: EdgeLog;
  readonly now?: () => Date;
}

export interface Edge {
  /** The dashboard, e.g. `http://clawhold.localhost:4470`. */
  readonly signerOrigin: string;
  /** Where agents of other machines dial, e.g. `wss://edge.example.ts.net:4471`; this machine's own without `bind`. */
  readonly agentEndpoint: string;
  /** Where this machine's agent dials: no VPN may stand between the two. */
  readonly localEndpoint: string;
  /** Undefined without `bind`. */
  readonly bound: BoundEdge | undefined;
  /** PEM of the authority that agents pin. */
  readonly edgeCaCertificate: string;
  readonly dataDirectory: DataDirectory;
  /** To the edge's log file, and to whoever started it. */
  readonly log: EdgeLog;
  readonly admin: AdminRequest;
  readonly pids: { readonly workerd: number | undefined };
  /** E.g. `http://127.0.0.1:9464/metrics`; undefined without `metrics`. */
  readonly metricsUrl: string | undefined;
  /** Requests are taken and the Worker answers. */
  isReady(): Promise<boolean>;
  /** How often workerd had to be started again. */
  readonly restarts: number;
  /** Opens the log anew, in case somebody moved it, and gives new connections the certificate that is due. */
  reload(): Promise<void>;
  /** Makes a seed that waits beside the present one, and starts workerd with both. Its public key, base64url. */
  addKey(job: KeyJob): Promise<string>;
  /** Answers what is under way, within a bound. Leaves no process and no taken port. */
  stop(): Promise<void>;
}

/** What stands on the address of `bind`. */
export interface BoundEdge extends Pick<Asked, "name" | "authorityPath" | "browserCertificates"> {
  /** Undefined where the dashboard is not served. */
  readonly dashboardOrigin: string | undefined;
  /** Where it listens at this moment. */
  readonly addresses: readonly string[];
}

const UNKNOWN_VERSION = "0";

/** What was opened so far, closed in reverse order by a stop or a failed start. */

export async function startEdge(options: EdgeOptions): Promise<Edge> {
  const closers: Closers = [];
  try {
    return await start(options, closers);
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

/** What the later steps of a start need from the earlier ones. */
interface Started {
  readonly options: EdgeOptions;
  readonly closers: Closers;
  readonly data: DataDirectory;
  readonly keys: EdgeKeys;
  readonly log: EdgeLog;
  readonly reopenLog: () => void;
  readonly traffic: Traffic;
  readonly now: () => Date;
}

/** What is on disk, brought to this program's version; nothing is taken or served yet. */
async function prepare(options: EdgeOptions, closers: Closers): Promise<Started> {
  const now = options.now ?? (() => new Date());
  const data = openDataDirectory(options.dataDir, now);
  closers.push(() => data.close());
  const { log, reopenLog } = openLog(data, options.log, closers);
  const { migrations, version = UNKNOWN_VERSION } = options;
  await upgradeData({ data, migrations, version, now, log });
  const keys = await loadKeys(
    { directory: data.join("keys"), hasState: readdirSync(data.join("d1")).length > 0 },
    now(),
  );
  return { options, closers, data, keys, log, reopenLog, traffic: openTraffic(log), now };
}

async function start(options: EdgeOptions, closers: Closers): Promise<Edge> {
  const started = await prepare(options, closers);
  const { data, keys, log, traffic } = started;
  const { front, asked, renew, certificateEnds } = await startFront(started);
  const signerOrigin = signerOriginOf(front);
  const localEndpoint = `wss://${hostHeader(IPV4_LOOPBACK, front.agentPort)}`;
  const endpoint = (): string => endpointOf(front, asked);
  const agentEndpoint = endpoint();
  tellEndpoint(data, agentEndpoint);
  const environmentWith = (held: EdgeKeys): WorkerEnvironment => ({
    ...describeEnvironment(held, signerOrigin, agentEndpoint),
    RATE_FACTOR: options.rateFactor ?? "1",
  });
  const { workerd, sockets } = await startWorkerd(started, environmentWith(keys));
  // Before workerd, although taken earlier: it drains quickly only when nobody holds a socket to it.
  closers.push(() => front.close());
  await migrate(sockets.d1, options.migrations, log);
  front.open(sockets);
  const { version = UNKNOWN_VERSION } = options;
  const monitored = { version, traffic, workerd, sockets, certificateEnds };
  const monitoring = options.metrics === undefined ? undefined : await openMonitoring(options.metrics, monitored);
  if (monitoring !== undefined) closers.push(() => monitoring.close());
  await sayTooFewFiles(sockets, log);
  const addKey = await openKeys(started, { workerd, sockets, environmentWith });
  return {
    signerOrigin,
    get agentEndpoint() {
      return endpoint();
    },
    localEndpoint,
    bound: describeBound(front, asked),
    edgeCaCertificate: keys.edgeAuthority.certificate,
    dataDirectory: data,
    admin: openAdmin(sockets.admin),
    get pids() {
      return { workerd: workerd.pid };
    },
    get restarts() {
      return workerd.restarts;
    },
    log,
    metricsUrl: monitoring?.url,
    isReady: () => isReady(monitored),
    reload: () => reload(started, renew),
    addKey,
    stop: async () => {
      await drain({ traffic, adminSocket: sockets.admin, log });
      await closeAll(closers);
    },
  };
}

/** Certificates of the edge's own come into the activity log when they are made, or when there is one. */
async function keepDiary({ data, closers, log }: Started, admin: AdminRequest): Promise<void> {
  const record: Chore = { work: () => recordIssued(data.join("keys"), admin), code: "certificate_not_recorded" };
  await attempt(record, log);
  closers.push(hourly(record, log));
}

/** Forgets what the trust log names no more; gives what makes a further key. */
async function openKeys(
  started: Started,
  { workerd, sockets, environmentWith }: RunningWorkerd,
): Promise<Edge["addKey"]> {
  const { data, keys, log } = started;
  const directory = data.join("keys");
  const admin = openAdmin(sockets.admin);
  await keepDiary(started, admin);
  if (hasNextSeed(keys)) await settleKeys(directory, { named: () => namedKeys(admin), log });
  return async (job) => {
    const publicKey = addNextSeed(directory, job);
    log({ level: "info", code: "key_added", detail: `a ${job} key waits: ${publicKey}` });
    // Hosts come back by themselves; what people ask meanwhile has to be asked again.
    await tellHosts(sockets.admin, log);
    await workerd.restartWith({ ...environmentWith(readKeys(directory) ?? keys) });
    await admin("/health"); // asked until it answers
    return publicKey;
  };
}

interface RunningWorkerd {
  readonly workerd: Workerd;
  readonly sockets: Sockets;
  readonly environmentWith: (keys: EdgeKeys) => WorkerEnvironment;
}

async function reload({ reopenLog, log }: Started, renew: () => Promise<void>): Promise<void> {
  reopenLog();
  await renew();
  log({ level: "info", code: "reloaded", detail: "the log was opened anew, and the certificate looked at" });
}

async function startFront({ options, closers, data, keys, log, traffic, now }: Started): Promise<StartedFront> {
  const certify = async (names: readonly string[]): Promise<KeyPair> => {
    const { key, certificate } = await loadServerCertificate(data.join("keys"), {
      authority: keys.edgeAuthority,
      names: [...new Set([IPV4_LOOPBACK, "::1", "localhost", ...names])],
      now: now(),
    });
    // With its authority: a machine that joins knows only the authority's fingerprint, and has to find it in the chain.
    return { key, certificate: `${certificate}${keys.edgeAuthority.certificate}` };
  };
  let onAddress = (): void => undefined;
  const place = { keysDirectory: data.join("keys"), now, log, certify, onAddress: () => onAddress() };
  const asked = options.bind === undefined ? undefined : await prepareBind(options.bind, place);
  const front = await takeFront({
    port: options.port,
    agentPort: options.agentPort,
    bind: asked?.front,
    webDirectory: options.webDir,
    releases: readReleaseFiles(options.releaseDir),
    own: options.own,
    certificate: await certify([]),
    clientAuthority: keys.agentAuthority.certificate,
    now,
    log,
    traffic,
  });
  const current = (): Promise<KeyPair> =>
    asked === undefined ? certify([]) : asked.front.certify(front.bound?.addresses ?? []);
  let ends = 0;
  const noteEnd = ({ certificate }: KeyPair): void => {
    ends = new X509Certificate(certificate).validToDate.getTime() / 1_000;
  };
  const renew = async (): Promise<void> => {
    const pair = await current();
    front.renewCertificate(pair);
    noteEnd(pair);
    if (asked !== undefined && front.bound !== undefined) await asked.renew(front.bound);
  };
  noteEnd(await current());
  closers.push(() => front.close(), hourly({ work: renew, code: "certificate_not_renewed" }, log));
  if (asked !== undefined && front.bound !== undefined) closers.push(asked.watch(front.bound));
  onAddress = () => tellEndpoint(data, endpointOf(front, asked));
  tellDashboard(data, [signerOriginOf(front), asked?.dashboardOrigin(front.port)]);
  return { front, asked, renew, certificateEnds: () => ends };
}

interface StartedFront {
  readonly front: Front;
  readonly asked: Asked | undefined;
  /** Gives new connections the certificate that is due; open ones keep theirs. */
  readonly renew: () => Promise<void>;
  /** Seconds since 1970. */
  readonly certificateEnds: () => number;
}

/** For the commands that make join files while the edge runs: an interface's address may change. */
function tellEndpoint(data: DataDirectory, endpoint: string): void {
  writeFileAtomically(data.join("run", ENDPOINT_FILE), `${endpoint}\n`);
}

/** For `clawhold status`: ports and name are chosen at the start. */
function tellDashboard(data: DataDirectory, origins: readonly (string | undefined)[]): void {
  const lines = origins.filter((origin) => origin !== undefined);
  writeFileAtomically(data.join("run", DASHBOARD_FILE), `${lines.join("\n")}\n`);
}

function signerOriginOf({ port }: Front): string {
  return `http://${hostHeader(DASHBOARD_HOSTNAME, port)}`;
}

function endpointOf({ agentPort, bound }: Front, asked: Asked | undefined): string {
  const host = asked === undefined ? undefined : advertisedHost(asked, bound?.addresses ?? []);
  return `wss://${hostHeader(host ?? IPV4_LOOPBACK, agentPort)}`;
}

function describeBound({ bound, port }: Front, asked: Asked | undefined): BoundEdge | undefined {
  if (asked === undefined || bound === undefined) return undefined;
  const { name, authorityPath, browserCertificates } = asked;
  return {
    name,
    authorityPath,
    browserCertificates,
    dashboardOrigin: asked.dashboardOrigin(port),
    get addresses() {
      return bound.addresses;
    },
  };
}

async function startWorkerd(
  { options, closers, data, log }: Started,
  environment: WorkerEnvironment,
): Promise<{ readonly workerd: Workerd; readonly sockets: Sockets }> {
  const { configPath, sockets } = writeConfig({
    runDirectory: data.runDirectory,
    objectsDirectory: data.join("do"),
    databaseDirectory: data.join("d1"),
    workerBundlePath: options.workerBundlePath,
  });
  const workerd = await Workerd.start({
    configPath,
    environment: { ...environment },
    sockets: Object.values(sockets),
    readySocket: sockets.admin,
    lockFd: data.lockFd,
    log,
  });
  closers.push(() => workerd.stop());
  return { workerd, sockets };
}

/** Every event goes to the caller and to the file, so that a fault can be read after the terminal is gone. */
function openLog(data: DataDirectory, log: EdgeLog, closers: Closers): Pick<Started, "log" | "reopenLog"> {
  const file = openLogFile(data.join("log", "edge.log"));
  closers.push(() => file.close());
  return {
    log: (event: EdgeEvent) => {
      file.write(event);
      log(event);
    },
    reopenLog: () => file.reopen(),
  };
}

function openTraffic(log: EdgeLog): Traffic {
  const maxConnections = connectionBudget(readOpenFileLimit());
  const onFull = (): void =>
    log({
      level: "warn",
      code: "connections_full",
      detail: `${maxConnections} connections are open; more are refused`,
    });
  return new Traffic({ maxConnections, onFull });
}

function describeEnvironment(
  keys: EdgeKeys,
  signerOrigin: string,
  agentEndpoint: string,
): Omit<WorkerEnvironment, "RATE_FACTOR"> {
  return {
    DISPATCH_KEY: keys.dispatchSeed,
    DISPATCH_KEY_NEXT: keys.nextDispatchSeed ?? "",
    LEDGER_KEY: keys.ledgerSeed,
    LEDGER_KEY_NEXT: keys.nextLedgerSeed ?? "",
    SETTINGS_KEY: deriveSettingsKey(keys),
    AGENT_CA_KEY: keys.agentAuthority.key,
    AGENT_CA_CERT: keys.agentAuthority.certificate,
    SIGNER_ORIGIN: signerOrigin,
    AGENT_ENDPOINT: agentEndpoint,
    EDGE_CA_CERT: keys.edgeAuthority.certificate,
  };
}

async function migrate(socketPath: string, migrations: readonly Migration[], log: EdgeLog): Promise<void> {
  const applied = await applyMigrations(openSql(socketPath), migrations);
  if (applied.length > 0) log({ level: "info", code: "database_migrated", detail: applied.join(", ") });
}

async function sayTooFewFiles({ d1 }: Sockets, log: EdgeLog): Promise<void> {
  const run = openSql(d1);
  const [tables = []] = await run([{ sql: "SELECT name FROM sqlite_master WHERE name = 'hosts'" }]);
  const [rows = []] = tables.length === 0 ? [] : await run([{ sql: "SELECT count(*) AS hosts FROM hosts" }]);
  sayTooFew(readOpenFileLimit(), Number(rows[0]?.["hosts"] ?? 0), log);
}
