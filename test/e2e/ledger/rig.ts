/**
 * The ledger in a real workerd with its storage on disk, behind doors of its own (test/durable-objects/rig): for measuring
 * it, and for killing it while it writes.
 */
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { getPublicKeyAsync } from "@noble/ed25519";
import { applyMigrations, openSql, type RunSql } from "../../../agent/edge/d1.ts";
import { makeAuthority } from "../../../agent/edge/certificates.ts";
import { unixRequest } from "../../../agent/edge/unix-http.ts";
import { writeConfig, type Sockets } from "../../../agent/edge/workerd-config.ts";
import { Workerd, type WorkerdOptions } from "../../../agent/edge/workerd.ts";
import { fromBase64url, toBase64url } from "../../../protocol/bytes.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { bundleWorker, type Bundle } from "../../parity/bundle.ts";

const TIMEOUT_SECONDS = 120;

interface Started {
  readonly sockets: Sockets;
  readonly options: WorkerdOptions;
  readonly workerd: Workerd;
}

export interface RigOptions {
  /** Below the repository. */
  readonly worker?: string;
  /** In the place of the public internet: an address on this machine, so that a test can be the far end. */
  readonly farEnd?: string;
}

export class LedgerRig {
  readonly #bundle: Bundle;
  readonly #sockets: Sockets;
  readonly #options: WorkerdOptions;
  #workerd: Workerd;
  /** The database behind the objects' backs. */
  readonly sql: RunSql;

  private constructor(bundle: Bundle, { sockets, options, workerd }: Started) {
    this.#bundle = bundle;
    this.#sockets = sockets;
    this.#options = options;
    this.#workerd = workerd;
    this.sql = openSql(sockets.d1);
  }

  static async start({ worker = "test/durable-objects/rig/worker.ts", farEnd }: RigOptions = {}): Promise<LedgerRig> {
    const bundle = await bundleWorker(worker);
    const { directory, workerPath: workerBundlePath, migrations } = bundle;
    const inside = (name: string): string => {
      mkdirSync(path.join(directory, name), { recursive: true, mode: 0o700 });
      return path.join(directory, name);
    };
    const { configPath, sockets } = writeConfig({
      runDirectory: inside("run"),
      objectsDirectory: inside("do"),
      databaseDirectory: inside("d1"),
      workerBundlePath,
    });
    if (farEnd !== undefined) leadOutTo(farEnd, configPath);
    const lockFd = openSync(path.join(directory, "lock"), "w");
    const authority = await makeAuthority("rig", new Date());
    const options: WorkerdOptions = {
      configPath,
      environment: {
        DISPATCH_KEY: nonceOf("dispatch"),
        LEDGER_KEY: nonceOf("ledger"),
        SETTINGS_KEY: nonceOf("settings"),
        AGENT_CA_KEY: authority.key,
        AGENT_CA_CERT: authority.certificate,
        SIGNER_ORIGIN: "http://clawhold.localhost",
        AGENT_ENDPOINT: "wss://agents.test",
        EDGE_CA_CERT: authority.certificate,
      },
      sockets: Object.values(sockets),
      readySocket: sockets.admin,
      lockFd,
      log: () => undefined,
    };
    const rig = new LedgerRig(bundle, { sockets, options, workerd: await Workerd.start(options) });
    await applyMigrations(rig.sql, migrations);
    return rig;
  }

  /** @throws when nobody answers, or not as asked. */
  async ask<T>(door: string, body: unknown): Promise<T> {
    const { web: socketPath } = this.#sockets;
    const { status, text } = await unixRequest({ socketPath, path: door, body, timeoutSeconds: TIMEOUT_SECONDS });
    if (status !== 200) throw new Error(`${door}: ${status} ${text.slice(0, 200)}`);
    return JSON.parse(text) as T;
  }

  /** Of the process that runs now. */
  get pid(): number {
    const { pid } = this.#workerd;
    if (pid === undefined) throw new Error("there is no runtime");
    return pid;
  }

  /** SIGKILL, and another process over the same storage. */
  async kill(): Promise<void> {
    process.kill(this.pid, "SIGKILL");
    await this.#workerd.stop();
    this.#workerd = await Workerd.start(this.#options);
  }

  async stop(): Promise<void> {
    await this.#workerd.stop();
    closeSync(this.#options.lockFd);
    this.#bundle.remove();
  }
}

/** base64url: the key under which the rig's checkpoints are signed. */
export async function ledgerKeyOfRig(): Promise<string> {
  return toBase64url(await getPublicKeyAsync(fromBase64url(nonceOf("ledger"))));
}

/** @throws when the configuration has another way out than this knows. */
function leadOutTo(address: string, configPath: string): void {
  const config = readFileSync(configPath, "utf8");
  const [, wayOut = ""] = /\(name = "alerts-out", (network = \(.*?trustBrowserCas = true\)\))/.exec(config) ?? [];
  if (wayOut === "") throw new Error("no way out to replace");
  writeFileSync(configPath, config.replace(wayOut, `external = (address = "${address}", http = ())`));
}
