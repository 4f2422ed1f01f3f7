/**
 * The local edge as a whole: data directory, keys, listeners, workerd, migrations, in the order in which a failure
 * costs least and nothing is served half-made. Composes the parts and holds no rule of its own.
 */

import { readdirSync } from "node:fs";
import type { AdminRequest } from "./admin.ts";
import { openAdmin } from "./admin.ts";
import type { KeyPair } from "./certificates.ts";
import { applyMigrations, openSql } from "./d1.ts";
import type { Migration } from "./d1.ts";
import type { DataDirectory } from "./data-directory.ts";
import { openDataDirectory } from "./data-directory.ts";
import type { EdgeEvent, EdgeLog } from "./edge-log.ts";
import { openLogFile } from "./edge-log.ts";
import type { Front } from "./front.ts";
import { takeFront } from "./front.ts";
import type { EdgeKeys } from "./keys.ts";
import { deriveSettingsKey, loadKeys, loadServerCertificate } from "./keys.ts";
import { DASHBOARD_HOSTNAME, hostHeader } from "./loopback.ts";
import type { OwnDoor } from "./web-front.ts";
import type { Sockets, WorkerEnvironment } from "./workerd-config.ts";
import { writeConfig } from "./workerd-config.ts";
import { Workerd } from "./workerd.ts";

export interface EdgeOptions {
  readonly dataDir: string;
  /** 0: any free port (tests). */
  readonly port: number;
  readonly agentPort: number;
  /** One more address of this machine; the dashboard there is of class daily. */
  readonly bind?: string | undefined;
  readonly workerBundlePath: string;
  readonly webDir: string;
  /** What the dashboard's own name answers beside the edge. */
  readonly own?: OwnDoor | undefined;
  /** In order. */
  readonly migrations: readonly Migration[];
  readonly log: EdgeLog;
  readonly now?: () => Date;
}

export interface Edge {
  /** The dashboard, e.g. `http://clawhold.localhost:4470`. */
  readonly signerOrigin: string;
  /** Where agents dial, e.g. `wss://127.0.0.1:4471`. */
  readonly agentEndpoint: string;
  /** PEM of the authority that agents pin. */
  readonly edgeCaCertificate: string;
  readonly dataDirectory: DataDirectory;
  readonly admin: AdminRequest;
  readonly pids: { readonly workerd: number | undefined };
  /** How often workerd had to be started again. */
  readonly restarts: number;
  /** Leaves no process and no taken port. */
  stop(): Promise<void>;
}

const DAY_MILLISECONDS = 86_400_000;

/** What was opened so far, closed in reverse order by a stop or a failed start. */
type Closers = (() => Promise<void> | void)[];

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
  readonly now: () => Date;
}

async function start(options: EdgeOptions, closers: Closers): Promise<Edge> {
  const now = options.now ?? (() => new Date());
  const data = openDataDirectory(options.dataDir, now);
  closers.push(() => data.close());
  const log = openLog(data, options.log, closers);
  const keys = await loadKeys(
    { directory: data.join("keys"), hasState: readdirSync(data.join("d1")).length > 0 },
    now(),
  );
  const started: Started = { options, closers, data, keys, log, now };
  const front = await startFront(started);
  const signerOrigin = `http://${hostHeader(DASHBOARD_HOSTNAME, front.port)}`;
  const agentEndpoint = `wss://${hostHeader(options.bind ?? "127.0.0.1", front.agentPort)}`;
  const { workerd, sockets } = await startWorkerd(started, describeEnvironment(keys, signerOrigin, agentEndpoint));
  // Before workerd, although taken earlier: it drains quickly only when nobody holds a socket to it.
  closers.push(() => front.close());
  await migrate(sockets.d1, options.migrations, log);
  front.open(sockets);
  return {
    signerOrigin,
    agentEndpoint,
    edgeCaCertificate: keys.edgeAuthority.certificate,
    dataDirectory: data,
    admin: openAdmin(sockets.admin),
    get pids() {
      return { workerd: workerd.pid };
    },
    get restarts() {
      return workerd.restarts;
    },
    stop: () => closeAll(closers),
  };
}

async function startFront({ options, closers, data, keys, log, now }: Started): Promise<Front> {
  const currentCertificate = async (): Promise<KeyPair> => {
    const { key, certificate } = await loadServerCertificate(data.join("keys"), {
      authority: keys.edgeAuthority,
      names: serverNames(options.bind),
      now: now(),
    });
    // With its authority: a machine that joins knows only the authority's fingerprint, and has to find it in the chain.
    return { key, certificate: `${certificate}${keys.edgeAuthority.certificate}` };
  };
  const front = await takeFront({
    port: options.port,
    agentPort: options.agentPort,
    bind: options.bind,
    webDirectory: options.webDir,
    own: options.own,
    certificate: await currentCertificate(),
    clientAuthority: keys.agentAuthority.certificate,
    now,
    log,
  });
  closers.push(() => front.close(), renewDaily(front, currentCertificate, log));
  return front;
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
function openLog(data: DataDirectory, log: EdgeLog, closers: Closers): EdgeLog {
  const file = openLogFile(data.join("log", "edge.log"));
  closers.push(() => file.close());
  return (event: EdgeEvent) => {
    file.write(event);
    log(event);
  };
}

function serverNames(bind: string | undefined): readonly string[] {
  const names = ["127.0.0.1", "::1", "localhost"];
  return bind === undefined || names.includes(bind) ? names : [...names, bind];
}

function describeEnvironment(keys: EdgeKeys, signerOrigin: string, agentEndpoint: string): WorkerEnvironment {
  return {
    DISPATCH_KEY: keys.dispatchSeed,
    LEDGER_KEY: keys.ledgerSeed,
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

/** An edge that runs for months must not let its certificate lapse; a failed renewal is tried again the next day. */
function renewDaily(front: Front, current: () => Promise<KeyPair>, log: EdgeLog): () => void {
  const timer = setInterval(() => {
    current().then(
      (certificate) => front.renewCertificate(certificate),
      (error: unknown) => log({ level: "error", code: "certificate_not_renewed", detail: String(error) }),
    );
  }, DAY_MILLISECONDS);
  timer.unref();
  return () => clearInterval(timer);
}

/** Every closer runs, even after one failed; the first failure is reported. */
async function closeAll(closers: Closers): Promise<void> {
  const failures: unknown[] = [];
  for (const close of closers.splice(0).toReversed()) {
    try {
      await close();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
