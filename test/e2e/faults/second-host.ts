/** Another machine of the workspace: its own state directory and its own agent process, joined as a person would. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { X509Certificate } from "node:crypto";
import { temporaryDirectory } from "../installation.ts";
import { clawhold, RunningHost, type Ended } from "./program.ts";
import { invite, type Town } from "./town.ts";

interface TlsState {
  readonly key: string;
  readonly certificate: string;
  readonly edgeCa?: string;
}

export class SecondHost {
  readonly words: readonly string[];
  readonly id: string;
  readonly #place: { readonly path: string; remove(): void };
  #agent: RunningHost | undefined;

  private constructor(
    place: { readonly path: string; remove(): void },
    joined: { host: string; words: readonly string[] },
  ) {
    this.#place = place;
    this.id = joined.host;
    this.words = joined.words;
  }

  static async join(
    town: Town,
    label: string,
    { directory, gateway = "none" }: { readonly directory?: string; readonly gateway?: string } = {},
  ): Promise<SecondHost> {
    const place =
      directory === undefined ? temporaryDirectory("second-host") : { path: directory, remove: () => undefined };
    const args = ["join", "--json", "--data", place.path, "--gateway", gateway, "--label", label];
    const { out, err, code } = await clawhold(args, { input: await invite(town) });
    if (code !== 0) throw new Error(`join failed: ${err}${out}`);
    return new SecondHost(place, JSON.parse(out) as { host: string; words: readonly string[] });
  }

  /** Joins the same directory again: another certificate for the same key. */
  async joinAgain(town: Town): Promise<Ended> {
    return clawhold(["join", "--data", this.#place.path, "--gateway", "none"], { input: await invite(town) });
  }

  start(env: Readonly<Record<string, string>> = {}): RunningHost {
    this.#agent = new RunningHost(this.#place.path, env);
    return this.#agent;
  }

  async stop(): Promise<void> {
    await this.#agent?.stop();
    this.#agent = undefined;
  }

  async leave(): Promise<void> {
    await this.stop();
    this.#place.remove();
  }

  doctor(env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    return clawhold(["doctor", "--data", this.#place.path], { env });
  }

  get fingerprint(): string {
    return new X509Certificate(this.#tls().certificate).fingerprint256.replaceAll(":", "").toLowerCase();
  }

  /** Puts another certificate in place of the one it joined with. */
  carry(pair: { readonly key: string; readonly certificate: string }): void {
    writeFileSync(this.#tlsPath, JSON.stringify({ ...this.#tls(), ...pair }));
  }

  #tls(): TlsState {
    return JSON.parse(readFileSync(this.#tlsPath, "utf8")) as TlsState;
  }

  get #tlsPath(): string {
    return path.join(this.#place.path, "host", "link", "tls.json");
  }
}
