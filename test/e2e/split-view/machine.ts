/** One machine of the workspace: the agent that ships as a process of its own, over a state directory as joining leaves it. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { AGENT_FLAGS } from "../../../agent/cli/up/agent-process.ts";
import { openHostState } from "../../../agent/host/state.ts";
import { readWitnessRecord, heldCheckpoint } from "../../../agent/host/witness/witness-file.ts";
import { toBase64url } from "../../../protocol/bytes.ts";
import { rootDigest } from "../../../protocol/checkpoint.ts";
import { seedOf } from "../../fixtures/keys.ts";
import { HostPeer } from "../../fixtures/edge/host-peer.ts";
import type { RealEdge } from "../../attack/real-edge.ts";
import { dist } from "../installation.ts";

export interface Seen {
  readonly size: number;
  readonly root: string;
  /** Of the newest that it cosigned. */
  readonly cosigned: number;
  readonly conflicts: readonly string[];
}

export interface Place {
  readonly workspace: string;
  readonly edgeCa: string;
  /** Beside the edge: it cosigns, and does not count. */
  readonly colocated?: boolean;
}

export interface Printed {
  readonly exit: number | undefined;
  readonly out: string;
}

export class Machine {
  readonly peer: HostPeer;
  readonly #at: Place;
  readonly #place = mkdtempSync(path.join(tmpdir(), "clawhold-split-"));
  #agent: ChildProcess | undefined;
  readonly log: string[] = [];

  private constructor(peer: HostPeer, at: Place) {
    this.peer = peer;
    this.#at = at;
  }

  static async join(edge: RealEdge, name: string, at: Place): Promise<Machine> {
    const peer = await HostPeer.at(edge, name, at.workspace);
    const refused = await peer.join({ join: { colocated: at.colocated ?? false } });
    if (refused !== undefined) throw new Error(`join: ${JSON.stringify(refused.body)}`);
    const machine = new Machine(peer, at);
    const keys = { v: 1, hostSeed: toBase64url(seedOf(name)), cosignSeed: toBase64url(seedOf(`${name} cosign`)) };
    writeFileSync(machine.#state.files.keys, JSON.stringify(keys), { mode: 0o600 });
    return machine;
  }

  get id(): string {
    return this.peer.host;
  }

  /** As an administrator admits it. */
  get admission(): HostPeer["admission"] {
    return { ...this.peer.admission, colocated: this.#at.colocated ?? false };
  }

  get #state(): ReturnType<typeof openHostState> {
    return openHostState(path.join(this.#place, "host"));
  }

  /** Dials that edge from now on. */
  start(endpoint: string): void {
    const { workspace, host, tlsKey, certificate } = this.peer;
    this.#state.saveHost({
      v: 1,
      edge: endpoint,
      workspace,
      host,
      label: "box",
      colocated: this.#at.colocated ?? false,
      gateway: { kind: "none" },
    });
    const pem = Buffer.from(certificate).toString("base64");
    this.#state.saveTls({
      v: 1,
      key: `${tlsKey}\n`,
      certificate: `-----BEGIN CERTIFICATE-----\n${pem}\n-----END CERTIFICATE-----\n`,
      edgeCa: this.#at.edgeCa,
    });
    this.#agent = this.#spawn([...AGENT_FLAGS, path.join(dist, "agent.cjs"), "host", "run", "--json"]);
    const { stdout, stderr } = this.#agent;
    for (const stream of [stdout, stderr])
      if (stream !== null) createInterface({ input: stream }).on("line", (line) => this.log.push(line));
  }

  async stop(): Promise<void> {
    const agent = this.#agent;
    this.#agent = undefined;
    if (agent === undefined || agent.exitCode !== null) return;
    const ended = new Promise((resolve) => agent.once("exit", resolve));
    agent.kill("SIGTERM");
    await ended;
  }

  /** From its own file. */
  seen(): Seen | undefined {
    const record = readWitnessRecord(this.#state.files.witness);
    const held = record === undefined ? undefined : heldCheckpoint(record);
    if (record === undefined || held === undefined) return undefined;
    return {
      size: held.size,
      root: rootDigest(held),
      cosigned: record.cosigned?.size ?? 0,
      conflicts: record.conflicts.map(({ reason }) => reason),
    };
  }

  async says(args: readonly string[]): Promise<Printed> {
    const child = this.#spawn(["--no-warnings", path.join(dist, "clawhold.mjs"), ...args]);
    const out: string[] = [];
    child.stdout?.on("data", (part: Buffer) => out.push(part.toString("utf8")));
    const exit = await new Promise<number | undefined>((resolve) =>
      child.once("close", (code) => resolve(code ?? undefined)),
    );
    return { exit, out: out.join("") };
  }

  async leave(): Promise<void> {
    await this.stop();
    rmSync(this.#place, { recursive: true, force: true });
  }

  #spawn(args: readonly string[]): ChildProcess {
    return spawn(process.execPath, [...args, "--data", this.#place], { stdio: ["ignore", "pipe", "pipe"] });
  }
}
