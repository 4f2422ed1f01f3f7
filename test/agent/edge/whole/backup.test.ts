import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeManifest, type Manifest } from "../../../../agent/edge/backup/manifest.ts";
import { systemCode } from "../../../../agent/shared/edge-error.ts";
import { unixRequest } from "../../../../agent/edge/unix-http.ts";

import { HostPeer, type Tunnel } from "../../../fixtures/edge/host-peer.ts";
import { approvedBody } from "../../../fixtures/edge/edge-action.ts";
import { adminOf, type Reply } from "../../../fixtures/edge/page.ts";
import { Town } from "../../../fixtures/edge/town.ts";
import { bundleWorker, type Bundle } from "../../../parity/bundle.ts";
import { run, type Ran } from "../../cli/terminal.ts";
import { ask, eventually } from "../fixtures/harness.ts";
import { readMetrics } from "../fixtures/metrics-grammar.ts";
import { startInstallation, type Installation } from "./installation.ts";

/** Another suite may be at the fixtures' port. */
const PATIENCE_MILLISECONDS = 300_000;

let bundle: Bundle;
let installation: Installation;
let town: Town;
let peer: HostPeer;
let tunnel: Tunnel;
/** A checkpoint after the backup. */
let seen: string;
/** Of the entry that each acknowledged append made. */
const acknowledged: string[] = [];

beforeAll(async () => {
  bundle = await bundleWorker();
  writeFileSync(path.join(bundle.directory, "migrations.json"), JSON.stringify(bundle.migrations));
  installation = await startInstallation(bundle, "data", { metrics: { address: "127.0.0.1", port: 0 } });
  town = await Town.at(installation.edge);
  peer = await HostPeer.at(installation.edge, "backup host", town.workspace);
  await peer.join();
  await town.admit(peer);
  tunnel = await peer.open((await town.trust()).head);
}, PATIENCE_MILLISECONDS);
afterAll(async () => {
  await installation.stop();
  bundle.remove();
});

function clawhold(...argv: readonly string[]): Promise<Ran> {
  const { directory } = bundle;
  const migrations = path.join(directory, "migrations.json");
  return run(argv, { version: "1.2.3", bundle: { agent: "", worker: "", web: "", migrations, release: "" } });
}

/** Appends until told to stop, or until nobody answers any more; every one that was answered is noted. */
function keepAppending(): { stop(): Promise<number> } {
  let isOver = false;
  const before = acknowledged.length;
  const socketPath = path.join(installation.running.dataDirectory.runDirectory, "admin.sock");
  const one = async (): Promise<void> => {
    while (!isOver) {
      const { status, text } = await unixRequest({
        socketPath,
        path: "/admin/join-token",
        body: {},
        timeoutSeconds: 20,
      });
      if (status === 200) acknowledged.push((JSON.parse(text) as { token: string }).token);
    }
  };
  const all = Promise.allSettled([one(), one(), one()]);
  return {
    stop: async () => {
      isOver = true;
      await all;
      return acknowledged.length - before;
    },
  };
}

function portOf({ running }: Installation): number {
  return Number(new URL(running.metricsUrl ?? "").port);
}

async function ledgerHead(): Promise<number> {
  const { body } = await adminOf(installation.edge, "/admin/status");
  return (body["ledger"] as { index: number }).index;
}

/** Only a digest of each token is kept, so they are counted. */
async function tokensKept(): Promise<number> {
  const sql = "SELECT count(*) AS n FROM ledger WHERE body LIKE '%\"join-token.made\"%'";
  const [rows = []] = await installation.edge.sql([{ sql }]);
  return Number(rows[0]?.["n"]);
}

async function verified(): Promise<Ran> {
  const change = { format: "jsonl", purpose: "audit", filter: {} };
  const body = await approvedBody(town.founded, { endpoint: "exportStart", change });
  const { export: name } = await town.page.must("exportStart", { body });
  let text = "";
  let cursor: string | undefined = "";
  while (cursor !== undefined) {
    const query: string = cursor === "" ? "" : `?cursor=${cursor}`;
    const part = await town.page.must("exportPart", { params: { export: String(name) }, query });
    text += String(part["text"]);
    cursor = part["next"] as string | undefined;
  }
  const file = path.join(bundle.directory, "log.jsonl");
  writeFileSync(file, text);
  return clawhold("verify", file, `--workspace=${town.workspace}`, "--json");
}

function manifestOf(backup: string): Manifest {
  const manifest = decodeManifest(readFileSync(path.join(backup, "manifest.json"), "utf8"));
  if (manifest === undefined) throw new Error("no manifest");
  return manifest;
}

describe("metrics and health of a running edge", () => {
  const get = (url: string, headers: Readonly<Record<string, string>> = {}, method = "GET") => {
    const port = portOf(installation);
    return ask({ port, path: url, method, headers: { host: `127.0.0.1:${port}`, ...headers } });
  };

  it("say how it is, in the format, and name nobody", async () => {
    const { text, headers } = await get("/metrics");
    expect(headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    const read = readMetrics(text);
    const value = (name: string, labels = ""): number | undefined => read.get(name)?.samples.get(labels);
    expect(value("clawhold_tunnels_open")).toBe(1);
    expect(value("clawhold_tunnels_opened_total")).toBe(1);
    expect(value("clawhold_joins_total", '{status="2xx"}')).toBe(1);
    expect(value("clawhold_requests_total", '{door="dashboard",status="2xx"}')).toBeGreaterThan(3);
    expect(value("clawhold_requests_total", '{door="agents",status="1xx"}')).toBe(1);
    expect(value("clawhold_runtime_restarts_total")).toBe(0);
    expect(value("clawhold_ready")).toBe(1);
    expect(value("clawhold_ledger_head")).toBe(await ledgerHead());
    for (const labels of ['{process="front"}', '{process="runtime"}']) {
      expect(value("clawhold_resident_memory_bytes", labels)).toBeGreaterThan(10_000_000);
      expect(value("clawhold_open_files", labels)).toBeGreaterThan(5);
    }
    expect(value("clawhold_certificate_end_timestamp_seconds")).toBeGreaterThan(Date.now() / 1_000 + 80 * 86_400);
    expect(value("clawhold_event_loop_delay_seconds", '{quantile="0.99"}')).toBeGreaterThanOrEqual(0);
    for (const secret of [town.workspace, peer.host, peer.fingerprint, installation.dataDir, "box", "Ada"])
      expect(text).not.toContain(secret);
  });

  it("count who is turned away, by reason", async () => {
    const refused = async (reason: string): Promise<number> =>
      readMetrics((await get("/metrics")).text)
        .get("clawhold_tls_refused_total")
        ?.samples.get(`{reason="${reason}"}`) ?? Number.NaN;
    const before = await refused("certificate_missing");
    await installation.edge.askAgents({ path: "/health", headers: { host: "x" } });
    expect(await refused("certificate_missing")).toBe(before + 1);
    const old = await refused("protocol_version");
    await expect(installation.edge.askAgents({ path: "/health", tls: { maxVersion: "TLSv1.2" } })).rejects.toThrow();
    expect(await refused("protocol_version")).toBe(old + 1);
  });

  it("say that it lives and serves, and nothing else", async () => {
    expect(await get("/livez")).toMatchObject({ status: 200, text: "ok\n" });
    expect(await get("/readyz")).toMatchObject({ status: 200, text: "ok\n" });
    expect((await get("/")).status).toBe(404);
    expect((await get("/metrics", {}, "POST")).status).toBe(405);
  });

  it("answer to no other name, as a page of another site would use", async () => {
    expect((await get("/metrics", { host: "evil.example" })).status).toBe(421);
    expect((await get("/livez", { host: `localhost:${portOf(installation)}` })).status).toBe(421);
  });
});

describe("a backup of a running edge", () => {
  const backup = (): string => path.join(bundle.directory, "kept");

  it("is whole, private and of one moment, while entries are being written", async () => {
    const early = await ledgerHead();
    const writers = keepAppending();
    const { exit, out, err } = await clawhold("up", "backup", backup(), "--data", installation.dataDir, "--json");
    expect([exit, err]).toEqual([0, []]);
    expect(await writers.stop()).toBeGreaterThan(0);
    expect(JSON.parse(out[0] ?? "")).toMatchObject({ event: "backup", path: backup() });
    const manifest = manifestOf(backup());
    expect(manifest).toMatchObject({ clawhold: "1.2.3", dataVersion: 1 });
    expect(manifest.migrations).toEqual(bundle.migrations.map(({ name }) => name));
    expect(manifest.files.map(({ path: file }) => file)).toEqual(
      expect.arrayContaining(["keys/edge.json", "keys/server.json", "version"]),
    );
    for (const entry of readdirSync(backup(), { recursive: true, withFileTypes: true })) {
      const { mode } = statSync(path.join(entry.parentPath, entry.name));
      expect([entry.name, mode & 0o777]).toEqual([entry.name, entry.isDirectory() ? 0o700 : 0o600]);
      expect(entry.name).not.toMatch(/-wal$|-shm$|\.sock$|^lock$/);
    }
    expect(early).toBeLessThan(await ledgerHead());
  });

  it("does not replace another, and says what is wrong with the place", async () => {
    const again = await clawhold("up", "backup", backup(), "--data", installation.dataDir);
    expect([again.exit, again.err.join(" ")]).toEqual([1, expect.stringContaining("exists already")]);
    const nowhere = path.join(bundle.directory, "no", "where");
    const refused = await clawhold("up", "backup", nowhere, "--data", installation.dataDir);
    expect(refused.err.join(" ")).toContain("The directory above it must exist");
    const none = await clawhold("up", "backup", nowhere, "--data", path.join(bundle.directory, "nothing"));
    expect([none.exit, none.err.join(" ")]).toEqual([2, expect.stringContaining("no data directory")]);
  });

  it("lets the edge go on", async () => {
    expect((await town.page.call("me")).status).toBe(200);
    tunnel.say({ kind: "trust-want" });
    await tunnel.next("trust");
  });

  it.each([
    ["a byte changed", (at: string) => flip(path.join(at, "keys", "edge.json"))],
    ["a file missing", (at: string) => rmSync(path.join(at, "keys", "server.json"))],
    ["a file more", (at: string) => writeFileSync(path.join(at, "host", "more.json"), "{}")],
    ["no list", (at: string) => rmSync(path.join(at, "manifest.json"))],
    ["a list that leads out", (at: string) => leadOut(at)],
  ])("with %s is refused, and nothing is made of it", async (_what, damage) => {
    const damaged = path.join(bundle.directory, "damaged");
    rmSync(damaged, { recursive: true, force: true });
    mkdirSync(path.join(damaged, "host"), { recursive: true });
    for (const { path: file } of manifestOf(backup()).files) {
      mkdirSync(path.dirname(path.join(damaged, file)), { recursive: true });
      writeFileSync(path.join(damaged, file), readFileSync(path.join(backup(), file)));
    }
    writeFileSync(path.join(damaged, "manifest.json"), readFileSync(path.join(backup(), "manifest.json")));
    damage(damaged);
    const target = path.join(bundle.directory, "from-damaged");
    const { exit, err } = await clawhold("up", "restore", damaged, "--data", target);
    expect([exit, err.join(" ")]).toEqual([1, expect.stringMatching(/damaged|is not a backup/)]);
    expect(existsSync(target)).toBe(false);
    expect(readdirSync(bundle.directory).filter((name) => name.endsWith(".partial"))).toEqual([]);
  });

  it("never replaces a data directory", async () => {
    const { exit, err } = await clawhold("up", "restore", backup(), "--data", installation.dataDir);
    expect([exit, err.join(" ")]).toEqual([1, expect.stringContaining("never replaces what is there")]);
  });
});

describe("a stop under load", () => {
  it("tells hosts to come back, answers what is under way, and loses nothing that was acknowledged", async () => {
    const writers = keepAppending();
    const told = tunnel.next("drain");
    const reads: Promise<number>[] = [];
    for (let i = 0; i < 20; i += 1)
      reads.push(town.page.call("activity", { query: "?after=0&limit=100" }).then(({ status }) => status));
    await Promise.race(reads);
    const stopped = installation.stop();
    expect(await told).toEqual({ kind: "drain", spreadSeconds: 1 });
    tunnel.socket.close(1_000);
    // Each is answered, or its connection was never taken: the kernel resets those that waited for that.
    for (const outcome of await Promise.allSettled(reads)) {
      if (outcome.status === "fulfilled") expect(outcome.value).toBe(200);
      else expect(["ECONNREFUSED", "ECONNRESET"]).toContain(systemCode(outcome.reason));
    }
    await stopped;
    await writers.stop(); // they went on to the last moment of the runtime
    installation = await startInstallation(bundle, "data");
    Object.assign(town.page, { edge: installation.edge });
    expect(await tokensKept()).toBeGreaterThanOrEqual(acknowledged.length);
    expect((await verified()).exit).toBe(0);
    // What a host has seen of the log before the disk is lost: far more than the backup holds.
    const { checkpoint } = await town.page.must("entryProof", { params: { index: String(await ledgerHead()) } });
    seen = String(checkpoint);
    await installation.stop();
  });
});

describe("a restored copy", () => {
  it("verifies, and goes on", async () => {
    const target = path.join(bundle.directory, "restored");
    const { exit, err, out } = await clawhold("up", "restore", path.join(bundle.directory, "kept"), "--data", target);
    expect([exit, err]).toEqual([0, []]);
    expect(out.join("\n")).toContain("Never run this copy and the one that it was made from at the same time");
    expect(statSync(target).mode & 0o777).toBe(0o700);
    installation = await startInstallation(bundle, "restored");
    Object.assign(town.page, { edge: installation.edge });
    const head = await ledgerHead();
    const { exit: fine, out: said } = await verified();
    expect([fine, JSON.parse(said.join("\n"))]).toMatchObject([0, {}]);
    await adminOf(installation.edge, "/admin/join-token", {});
    expect(await ledgerHead()).toBeGreaterThan(head);
    expect((await verified()).exit).toBe(0);
  });

  it("is not signed as long as a host remembers more, and is again when its owner let it forget", async () => {
    const newest = async (): Promise<Reply> =>
      town.page.call("entryProof", { params: { index: String(await ledgerHead()) } });
    expect((await newest()).status).toBe(200);
    const back = await HostPeer.at(installation.edge, "backup host", town.workspace);
    Object.assign(back, { certificate: peer.certificate, tlsKey: peer.tlsKey, fingerprint: peer.fingerprint });
    const opened = await back.open((await town.trust()).head);
    opened.say({ kind: "witnessed", note: seen });
    await eventually(async () => (await newest()).code === "checkpoint_refused");
    // Nothing that is written meanwhile is refused.
    expect((await adminOf(installation.edge, "/admin/join-token", {})).status).toBe(200);
    opened.say({ kind: "witness-reset", note: seen });
    await eventually(async () => (await newest()).status === 200);
    expect((await verified()).exit).toBe(0);
    opened.socket.close(1_000);
  });
});

function flip(file: string): void {
  const bytes = readFileSync(file);
  bytes[20] = (bytes[20] ?? 0) ^ 1;
  chmodSync(file, 0o600);
  writeFileSync(file, bytes);
}

function leadOut(at: string): void {
  const file = path.join(at, "manifest.json");
  writeFileSync(file, readFileSync(file, "utf8").replace('"keys/server.json"', '"keys/../../server.json"'));
}
