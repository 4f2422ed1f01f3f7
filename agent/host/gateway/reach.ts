/**
 * From where the gateway can be reached beside its own port: other sockets of its processes, doors of this machine that
 * answer with the gateway behind them, and what Tailscale serves of it. Looked at often enough that a new one is seen
 * within a minute. It believes no answer further than "this is the same gateway", and it changes nothing.
 * Not seen: a proxy that answers only under a name or a path, and programs that carry connections in from outside (a
 * tunnel service, somebody's ssh -R).
 */
import { readdir, readFile, readlink } from "node:fs/promises";
import { systemCode } from "../../shared/edge-error.ts";
import type { GatewayTarget } from "./discover.ts";
import { listenerPid } from "./listener-pid.ts";
import { allListeners, type Listener, type ListeningSocket } from "./listening.ts";
import type { Readiness } from "./probe.ts";
import { probeDoor, type DoorAnswer } from "./probe-door.ts";
import { tailscaleDoors } from "./tailscale-serve.ts";

/** Twice within the minute in which it has to be found. */
export const REACH_MILLISECONDS = 20_000;
/** A machine with more open doors than this has each of them looked at in turn. */
const MAX_DOORS = 24;
/** A door that does not speak HTTP is asked once; these would only write it in a log. */
const SILENT_PORTS: ReadonlySet<number> = new Set([
  22, 25, 53, 110, 111, 139, 143, 445, 465, 587, 993, 995, 2049, 3306, 5432, 6379,
]);
/** Two clocks of the same gateway, read one after the other on a busy machine. */
const SAME_MILLISECONDS = 5_000;
const MAX_DESCENDANTS = 64;

export interface ReachDeps {
  /** Milliseconds, for spacing the looks. */
  readonly now: () => number;
  readonly probe?: (listener: Listener) => Promise<DoorAnswer>;
  readonly tailscale?: (port: number) => Promise<readonly Listener[]>;
}

export class Reach {
  readonly #deps: ReachDeps;
  /** By the kernel's number of the socket: what answered there. */
  readonly #mute = new Set<string>();
  #lookedAt = Number.NEGATIVE_INFINITY;
  #found: readonly Listener[] = [];
  #turn = 0;
  #main: number | undefined;

  constructor(deps: ReachDeps) {
    this.#deps = deps;
  }

  /** Beside the listeners of the gateway's own port. `readiness`: what it says there. */
  async look(target: GatewayTarget, readiness: Readiness): Promise<readonly Listener[]> {
    if (!readiness.answers) {
      this.#lookedAt = Number.NEGATIVE_INFINITY; // looked at as soon as it is back
      return (this.#found = []);
    }
    const now = this.#deps.now();
    if (now - this.#lookedAt < REACH_MILLISECONDS) return this.#found;
    this.#lookedAt = now;
    const sockets = (await allListeners()) ?? [];
    this.#main = await mainProcess(target.port, { sockets, before: this.#main });
    const own = await ownSockets(this.#main, target.port, sockets);
    const [doors, served] = await Promise.all([
      this.#doors(sockets, { target, own, readiness }),
      (this.#deps.tailscale ?? tailscaleDoors)(target.port),
    ]);
    this.#found = [...own.filter(({ loopback }) => !loopback).map(bare), ...doors, ...served];
    return this.#found;
  }

  async #doors(sockets: readonly ListeningSocket[], gateway: Gateway): Promise<readonly Listener[]> {
    const { own, target } = gateway;
    const inodes = new Set(own.map(({ inode }) => inode));
    const open = sockets.filter(
      ({ loopback, port, inode }) =>
        !loopback && port !== target.port && !inodes.has(inode) && !SILENT_PORTS.has(port) && !this.#mute.has(inode),
    );
    const known = new Set(sockets.map(({ inode }) => inode));
    for (const inode of this.#mute) if (!known.has(inode)) this.#mute.delete(inode);
    this.#turn = open.length <= MAX_DOORS ? 0 : (this.#turn + MAX_DOORS) % open.length;
    const asked = [...open.slice(this.#turn), ...open.slice(0, this.#turn)].slice(0, MAX_DOORS);
    const answers = await Promise.all(
      asked.map(async (door) => ((await this.#leads(door, gateway)) ? [bare(door)] : [])),
    );
    return answers.flat();
  }

  async #leads(door: ListeningSocket, { readiness }: Gateway): Promise<boolean> {
    const answer = await (this.#deps.probe ?? probeDoor)(door);
    if (!answer.speaksHttp) this.#mute.add(door.inode);
    const { uptimeMilliseconds: own } = readiness;
    const theirs = answer.uptimeMilliseconds;
    return own !== undefined && theirs !== undefined && Math.abs(own - theirs) < SAME_MILLISECONDS;
  }
}

interface Gateway {
  readonly target: GatewayTarget;
  readonly own: readonly ListeningSocket[];
  readonly readiness: Readiness;
}

function bare({ address, port, loopback, uid }: Listener): Listener {
  return { address, port, loopback, uid };
}

interface Known {
  readonly sockets: readonly ListeningSocket[];
  readonly before: number | undefined;
}

/** Looking through every process of the machine is dear: the one of before is asked first. */
async function mainProcess(port: number, { sockets, before }: Known): Promise<number | undefined> {
  const listening = new Set(sockets.filter((socket) => socket.port === port).map(({ inode }) => inode));
  const isSame = before !== undefined && (await socketsOf(before)).some((inode) => listening.has(inode));
  return isSame ? before : listenerPid(port);
}

/** Listening sockets of the gateway's process and of those it started, on other ports; none where they are another user's. */
async function ownSockets(
  main: number | undefined,
  port: number,
  sockets: readonly ListeningSocket[],
): Promise<readonly ListeningSocket[]> {
  if (main === undefined) return [];
  const held = new Set<string>();
  for (const pid of await withDescendants(main)) for (const inode of await socketsOf(pid)) held.add(inode);
  return sockets.filter((socket) => socket.port !== port && held.has(socket.inode));
}

async function withDescendants(main: number): Promise<readonly number[]> {
  const all = [main];
  for (let at = 0; at < all.length && all.length < MAX_DESCENDANTS; at += 1) {
    const pid = String(all[at]);
    const text = await gone(readFile(`/proc/${pid}/task/${pid}/children`, "latin1"), "");
    all.push(
      ...text
        .split(" ")
        .map(Number)
        .filter((child) => Number.isSafeInteger(child) && child > 1),
    );
  }
  return all;
}

async function socketsOf(pid: number): Promise<readonly string[]> {
  const directory = `/proc/${String(pid)}/fd`;
  const links = await Promise.all(
    (await gone(readdir(directory), [])).map((name) => gone(readlink(`${directory}/${name}`), "")),
  );
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
}

/** A process that ended under our eyes, or is another user's, has nothing that we could see. */
async function gone<T>(work: Promise<T>, nothing: T): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return nothing;
  }
}
