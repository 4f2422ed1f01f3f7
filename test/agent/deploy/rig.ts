/** A deployment in a folder of its own, against the fake. Without a real build: what is uploaded is small and plain. */
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { headersText, type Bundle } from "../../../agent/deploy/bundle.ts";
import { runProgram } from "../../../agent/deploy/program.ts";
import { FakeCloudflare } from "../../fixtures/cloudflare/fake.ts";

export const DASHBOARD = "clawhold.example.com";
export const AGENTS = "clawhold-agents.example.com";
export const NOW = 1_800_000_000;
const MIGRATIONS = path.join(import.meta.dirname, "..", "..", "..", "migrations");

export const testBundle: Bundle = {
  worker: Buffer.from("export default {}"),
  assets: new Map(
    ["/index.html", "/app-ABCDEFGH.js", "/app-ABCDEFGH.css", "/favicon.svg"].map((name) => [
      name,
      {
        hash: createHash("sha256").update(name).digest("hex").slice(0, 32),
        bytes: Buffer.from(name),
        type: "text/plain",
      },
    ]),
  ),
  headers: headersText([{ path: "/index.html", cache: "no-cache" }]),
  migrations: readdirSync(MIGRATIONS)
    .filter((name) => name.endsWith(".sql"))
    .toSorted()
    .map((name) => ({ name, sql: readFileSync(path.join(MIGRATIONS, name), "utf8") })),
  objects: {
    bindings: [
      { name: "LEDGER", className: "Ledger" },
      { name: "HOST", className: "Host" },
    ],
    migrations: [
      { tag: "v1", classes: ["Ledger"] },
      { tag: "v2", classes: ["Host"] },
    ],
  },
  compatibilityDate: "2026-09-18",
  compatibilityFlags: [],
};

/** Two migrations are enough to be cut off between. */
export const killBundle: Bundle = { ...testBundle, migrations: testBundle.migrations.slice(0, 2) };

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What the fake was told to write, in this run. */
  readonly writes: readonly string[];
}

export interface RunOptions {
  readonly bundle?: Bundle;
  readonly typed?: string;
  readonly now?: number;
  readonly readRetries?: number;
  /** In the place of the fake's own. */
  readonly fetch?: typeof fetch;
  readonly environment?: Readonly<Record<string, string>>;
}

/** In memory where there is such a place: hundreds of runs each wait for the disk otherwise. */
const PLACE = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

export class Rig {
  readonly folder = mkdtempSync(path.join(PLACE, "clawhold-deploy-"));
  readonly fake: FakeCloudflare;
  config: Record<string, unknown>;

  constructor(fake = new FakeCloudflare()) {
    this.fake = fake;
    this.config = {
      v: 1,
      account: fake.state.account,
      zone: "example.com",
      dashboard: DASHBOARD,
      agents: AGENTS,
      people: { emails: ["owner@example.com"], domains: ["example.com"] },
      tokenFile: "token",
      certificateTokenFile: "certificate-token",
    };
    this.write("token", `${fake.token}\n`);
    this.write("certificate-token", "certificate-token-1\n");
    this.save();
  }

  get configPath(): string {
    return path.join(this.folder, "clawhold.deploy.json");
  }

  write(name: string, text: string): void {
    writeFileSync(path.join(this.folder, name), text, { mode: 0o600 });
  }

  save(change: Record<string, unknown> = {}): void {
    this.config = { ...this.config, ...change };
    this.write("clawhold.deploy.json", JSON.stringify(this.config));
  }

  deploy(args: readonly string[] = [], options: RunOptions = {}): Promise<Ran> {
    return this.#run("deploy", args, options);
  }

  destroy(args: readonly string[] = ["--yes-destroy", DASHBOARD], options: RunOptions = {}): Promise<Ran> {
    return this.#run("destroy", args, options);
  }

  async #run(name: "deploy" | "destroy", args: readonly string[], options: RunOptions): Promise<Ran> {
    const out: string[] = [];
    const err: string[] = [];
    const before = this.fake.writes().length;
    const { typed } = options;
    const code = await runProgram(
      {
        name,
        args: ["--config", this.configPath, ...args],
        bundle: options.bundle ?? testBundle,
        now: () => options.now ?? NOW,
        fetch: options.fetch ?? this.fake.fetch,
        readRetries: options.readRetries ?? 0,
      },
      {
        out: (line) => out.push(line),
        err: (line) => err.push(line),
        ask: typed === undefined ? undefined : () => Promise.resolve(typed),
        environment: options.environment ?? {},
        uid: process.getuid?.() ?? 0,
      },
    );
    return { code, out: out.join("\n"), err: err.join("\n"), writes: this.fake.writes().slice(before) };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
