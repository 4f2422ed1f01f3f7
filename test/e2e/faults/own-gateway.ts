/** The real pinned gateway, run by hand: nobody starts it again, and its configuration is the test's to break. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, openSync, closeSync, writeFileSync } from "node:fs";
import path from "node:path";
import { demoConfiguration, demoEnvironment } from "../../../agent/host/demo/configuration.ts";
import { probeReadiness } from "../../../agent/host/gateway/probe.ts";
import { gatewayInstall } from "../gateway.ts";
import { temporaryDirectory } from "../installation.ts";

const TOKEN = "token-of-a-gateway-for-tests-0123456789";
const LOOK_MS = 200;
const PATIENCE_MS = 90_000;

export class OwnGateway {
  readonly url: string;
  /** What the agent's process needs to find this gateway, as any program of the same user would. */
  readonly environment: Readonly<Record<string, string>>;
  readonly #entry: string;
  readonly #port: number;
  readonly #place: { readonly path: string; remove(): void };
  #child: ChildProcess | undefined;

  private constructor(entry: string, port: number) {
    this.#entry = entry;
    this.#port = port;
    this.#place = temporaryDirectory("own-gateway");
    this.url = `ws://127.0.0.1:${port}`;
    this.environment = {
      OPENCLAW_STATE_DIR: this.#place.path,
      OPENCLAW_GATEWAY_PORT: String(port),
      OPENCLAW_GATEWAY_TOKEN: TOKEN,
    };
    mkdirSync(path.join(this.#place.path, "tmp"), { mode: 0o700 });
  }

  static async install(port: number): Promise<OwnGateway> {
    return new OwnGateway(path.join(await gatewayInstall(), "node_modules", "openclaw", "openclaw.mjs"), port);
  }

  /** The configuration that works, with what a test wants beside it. */
  configure(more: object = {}): void {
    const good = demoConfiguration({ state: this.#place.path, port: this.#port, providerUrl: "http://127.0.0.1:9/v1" });
    this.configureText(JSON.stringify({ ...good, ...more }));
  }

  configureText(text: string): void {
    writeFileSync(path.join(this.#place.path, "openclaw.json"), text, { mode: 0o600 });
  }

  /** Resolves with undefined once it is ready, or with its exit code. */
  async start(): Promise<number | undefined> {
    const output = openSync(path.join(this.#place.path, "gateway.out"), "a", 0o600);
    const secrets = { token: TOKEN, providerKey: "none" };
    const child = spawn(process.execPath, [this.#entry, "gateway", "run", "--port", String(this.#port)], {
      cwd: this.#place.path,
      env: demoEnvironment(this.#place.path, secrets, process.env["PATH"] ?? "/usr/bin:/bin"),
      stdio: ["ignore", output, output],
      detached: true, // its helpers go with it
    });
    closeSync(output);
    this.#child = child;
    const until = performance.now() + PATIENCE_MS;
    while (performance.now() < until) {
      if (child.exitCode !== null) return child.exitCode;
      if ((await probeReadiness("127.0.0.1", this.#port)).ready) return undefined;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    throw new Error(`the gateway was not ready; it wrote ${this.#place.path}/gateway.out`);
  }

  /** Ends it at once, with its helpers. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    process.kill(-child.pid, "SIGKILL");
    await exited;
  }

  async remove(): Promise<void> {
    await this.kill();
    this.#place.remove();
  }
}
