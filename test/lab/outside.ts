/** What a server looks like from another machine of the lab: the only evidence that no program of the server can forge. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { labDirectory } from "./leftovers.ts";
import { ADDRESS, type Network, type Place } from "./network.ts";
import { must, run, type Ended } from "./process.ts";

/** A port that says nothing for so long is filtered: the lab's cables take microseconds. */
const SILENCE_MILLISECONDS = 1_500;
const SSH = "/usr/bin/ssh";

/** `closed`: refused, so nothing filters it. `filtered`: no answer, or a router's refusal. */
export type Port = "open" | "closed" | "filtered";

export interface SshTarget {
  readonly user: string;
  readonly address?: string;
  readonly port?: number;
}

const DIAL = `
  import { connect } from "node:net";
  const [host, wait, ...ports] = process.argv.slice(1);
  const dial = (port) => new Promise((resolve) => {
    const socket = connect({ host, port: Number(port), timeout: Number(wait) });
    let said = "";
    const over = (state) => { socket.destroy(); resolve([port, { state, said }]); };
    socket.once("connect", () => { if (process.env.LISTEN !== "yes") over("open"); });
    socket.once("data", (data) => { said = data.toString("latin1"); over("open"); });
    socket.once("error", ({ code }) => over(code === "ECONNREFUSED" ? "closed" : "filtered"));
    socket.once("timeout", () => over(socket.connecting ? "filtered" : "open"));
  });
  console.log(JSON.stringify(Object.fromEntries(await Promise.all(ports.map(dial)))));`;

export class Outside {
  readonly address: string;
  readonly #network: Pick<Network, "namespace">;
  readonly #place: Place;

  /** `network`: where the place is; a test may name a namespace of its own. */
  constructor(network: Pick<Network, "namespace">, place: Place) {
    this.#network = network;
    this.#place = place;
    this.address = ADDRESS[place];
  }

  /** A program on this machine, to its end. */
  run(argv: readonly string[], environment: Readonly<Record<string, string>> = {}, input = ""): Promise<Ended> {
    return run(this.entering(argv), { environment: { PATH: process.env["PATH"] ?? "", ...environment }, input });
  }

  /** For whoever needs the running process. */
  entering(argv: readonly string[]): readonly string[] {
    return ["/usr/bin/nsenter", `--net=/run/netns/${this.#network.namespace(this.#place)}`, ...argv];
  }

  async ports(ports: readonly number[], address = ADDRESS.host): Promise<Readonly<Record<number, Port>>> {
    const found = await this.#dial(ports, address, false);
    return Object.fromEntries(ports.map((port) => [port, found[String(port)]?.state ?? "filtered"]));
  }

  async port(port: number, address = ADDRESS.host): Promise<Port> {
    return (await this.ports([port], address))[port] ?? "filtered";
  }

  /** The first thing a service says by itself; empty when it says nothing. */
  async banner(port: number, address = ADDRESS.host): Promise<string> {
    return (await this.#dial([port], address, true))[String(port)]?.said.trim() ?? "";
  }

  async #dial(ports: readonly number[], address: string, listens: boolean): Promise<Record<string, Dialled>> {
    const script = ["--input-type=module", "-e", DIAL, address, String(SILENCE_MILLISECONDS), ...ports.map(String)];
    const environment = { LISTEN: listens ? "yes" : "no" };
    return JSON.parse(await must(this.entering([process.execPath, ...script]), { environment })) as Record<
      string,
      Dialled
    >;
  }

  /** Whom sshd would let try what: the methods that it names to a person who has shown nothing. */
  async sshMethods(target: SshTarget): Promise<readonly string[]> {
    const { stderr } = await this.run(ssh(target, ["-v", "-o", "PreferredAuthentications=none"], ["/bin/true"]));
    const offered = /Authentications that can continue: (\S+)/.exec(stderr)?.[1];
    if (offered !== undefined) return offered.split(",").toSorted();
    if (/Authenticated to /.test(stderr)) return ["none"];
    throw new Error(`no answer of sshd: ${stderr}`);
  }

  /** Whether the owner of this private key gets in. */
  async sshLogin(target: SshTarget, key: string, command: readonly string[] = ["/bin/true"]): Promise<Ended> {
    const options = ["-o", "IdentitiesOnly=yes", "-o", "PreferredAuthentications=publickey", "-i", key];
    return this.run(ssh(target, options, command));
  }

  async sshPassword(target: SshTarget, password: string, command: readonly string[] = ["/bin/true"]): Promise<Ended> {
    const options = ["-o", "PreferredAuthentications=password,keyboard-interactive", "-o", "NumberOfPasswordPrompts=1"];
    const environment = { SSH_ASKPASS: askPass(), SSH_ASKPASS_REQUIRE: "force", LAB_PASSWORD: password };
    return this.run(ssh(target, options, command), environment);
  }
}

interface Dialled {
  readonly state: Port;
  readonly said: string;
}

/** Each server of the lab has new host keys, so none is remembered. */
function ssh(target: SshTarget, options: readonly string[], command: readonly string[]): readonly string[] {
  const { user, address = ADDRESS.host, port = 22 } = target;
  const always = ["-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"];
  const limits = [
    "-o",
    "LogLevel=ERROR",
    "-o",
    "ConnectTimeout=5",
    "-o",
    "ServerAliveInterval=5",
    "-o",
    "ServerAliveCountMax=2",
  ];
  return [SSH, ...always, ...limits, ...options, "-p", String(port), `${user}@${address}`, "--", ...command];
}

/** ssh asks a program for the password, and hands it our environment. */
function askPass(): string {
  const file = path.join(labDirectory, "ask-pass");
  writeFileSync(file, '#!/bin/sh\nprintf "%s\\n" "$LAB_PASSWORD"\n', { mode: 0o755 });
  return file;
}
