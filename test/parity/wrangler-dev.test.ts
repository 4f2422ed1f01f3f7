/**
 * The shipped bundle under `wrangler dev`, with wrangler's own reading of wrangler.toml and of the migrations. Nobody can
 * be set up there: the admin door is the local runtime's. What can be seen is that Worker, D1 and bindings find each other.
 */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { temporaryDirectory } from "../e2e/installation.ts";
import { seedOf } from "../fixtures/keys.ts";
import { dryRun } from "../tasks/dry-run.ts";
import { root, tool } from "../tasks/stage.ts";
import { bundleWorker, type Bundle } from "./bundle.ts";

const wrangler = tool("wrangler", "bin", "wrangler.js");
const AGENTS = "agents.test";

const home = temporaryDirectory("wrangler");
const configuration = ["--config", path.join(root, "wrangler.toml")];
let bundle: Bundle;
let child: ChildProcess;
let origin: string;

beforeAll(async () => {
  bundle = await bundleWorker();
  // Not beside the bundle: wrangler watches that directory, and would start anew at each of its own writes.
  const state = path.join(home.path, "state");
  const options = { cwd: root, env: { ...process.env, ...dryRun.env, HOME: home.path } };
  const migrate = [wrangler, "d1", "migrations", "apply", "DB", "--local", "--persist-to", state, ...configuration];
  await promisify(execFile)(process.execPath, migrate, options);
  // Seeds that anybody can derive. Real ones never stand in argv.
  const texts = {
    AGENT_ENDPOINT: `wss://${AGENTS}`,
    DISPATCH_KEY: Buffer.from(seedOf("dispatch")).toString("base64url"),
    LEDGER_KEY: Buffer.from(seedOf("ledger")).toString("base64url"),
    SETTINGS_KEY: Buffer.from(seedOf("settings")).toString("base64url"),
  };
  const vars = Object.entries(texts).flatMap(([name, value]) => ["--var", `${name}:${value}`]);
  const dev = ["dev", bundle.workerPath, "--no-bundle", "--ip", "127.0.0.1", "--port", "0", "--persist-to", state];
  child = spawn(process.execPath, [wrangler, ...dev, ...configuration, ...vars], {
    ...options,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true, // its workerd goes with it
  });
  origin = await ready(child);
});

afterAll(async () => {
  if (child?.pid !== undefined && child.exitCode === null) {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    process.kill(-child.pid, "SIGTERM");
    await ended;
  }
  bundle?.remove();
  home.remove();
});

function ready({ stdout, stderr }: ChildProcess): Promise<string> {
  const said: string[] = [];
  return new Promise((resolve, reject) => {
    for (const stream of [stdout, stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on("line", (line) => {
        said.push(line);
        const address = /Ready on (http:\/\/127\.0\.0\.1:\d+)/.exec(line)?.[1];
        if (address !== undefined) resolve(address);
      });
    }
    child.once("exit", () => reject(new Error(`wrangler dev ended:\n${said.join("\n")}`)));
  });
}

async function codeOf(pathname: string, init: RequestInit = {}): Promise<unknown> {
  const response = await fetch(new URL(pathname, origin), init);
  return ((await response.json()) as { readonly code?: unknown }).code;
}

describe("wrangler dev", () => {
  it("serves the bundle", async () => {
    const response = await fetch(new URL("/api/health", origin));
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ ok: true });
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
  });

  it("with the migrated database behind it", async () => {
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
    expect(await codeOf("/api/sign-in/nonce", init)).toBe("no_workspace");
  });

  it("and without the door of whoever runs a local edge", async () => {
    expect(await codeOf("/admin/status")).toBe("not_found");
    expect(await codeOf("/admin/setup", { method: "POST", body: "{}" })).toBe("not_found");
  });
});
