/** Round trips: to the object and back, to the runtime in front of it and back, and to a bare `ws` server. */
import { spawn } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";
import { WebSocket } from "ws";
import { makeAuthority, makeServerCertificate } from "../../../agent/edge/certificates.ts";
import { timed } from "../bench.ts";
import type { SimulatedHost } from "./simulated-host.ts";

/** Below what the edge takes of this kind from one tunnel in a minute. */
const TRIPS_A_HOST = 20;

/** The object answers with a look at the trust log in the database; the first trip of each wakes it and is not counted. */
export async function objectTrips(hosts: readonly SimulatedHost[]): Promise<readonly number[]> {
  const taken: number[] = [];
  for (const host of hosts) {
    const trip = answered(host, "want");
    await trip();
    taken.push(...(await timed(TRIPS_A_HOST, trip)));
  }
  return taken;
}

/** What a hibernated object costs the first who speaks. */
export async function wakingTrips(hosts: readonly SimulatedHost[]): Promise<readonly number[]> {
  const taken: number[] = [];
  for (const host of hosts) taken.push(...(await timed(1, answered(host, "want"))));
  return taken;
}

/** The runtime answers, whether or not the object sleeps. */
export async function runtimeTrips(hosts: readonly SimulatedHost[]): Promise<readonly number[]> {
  const taken: number[] = [];
  for (const host of hosts) taken.push(...(await timed(TRIPS_A_HOST, answered(host, "ping"))));
  return taken;
}

function answered(host: SimulatedHost, word: "want" | "ping"): () => Promise<void> {
  return () =>
    new Promise((resolve) => {
      host.onFrame = (frame) => {
        if (word === "want" && frame.kind === "trust") resolve();
      };
      host.onPong = () => {
        if (word === "ping") resolve();
      };
      host[word]();
    });
}

export async function bareTrips(times: number, text: string): Promise<readonly number[]> {
  const now = new Date();
  const authority = await makeAuthority("bench", now);
  const pair = await makeServerCertificate(authority, ["127.0.0.1"], now);
  const child = spawn(process.execPath, ["--no-warnings", path.join(import.meta.dirname, "echo-server.ts")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  try {
    child.stdin.end(JSON.stringify(pair));
    const port = await new Promise<string>((resolve) => createInterface({ input: child.stdout }).once("line", resolve));
    const socket = new WebSocket(`wss://127.0.0.1:${port}`, { ca: authority.certificate, perMessageDeflate: false });
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    const trip = (): Promise<void> =>
      new Promise((resolve) => {
        socket.once("message", () => resolve());
        socket.send(text);
      });
    await timed(200, trip);
    const taken = await timed(times, trip);
    socket.terminate();
    return taken;
  } finally {
    child.kill("SIGKILL");
  }
}
