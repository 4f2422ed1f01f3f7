/** The real local edge at its place on the lab's network, with a workspace and a person who has a passkey there. */
import type { Closers } from "../../agent/edge/closers.ts";
import { Program } from "../net/chaos/program.ts";
import { RunningEdge } from "../net/product.ts";
import { labName, machineDirectory, removeMachine } from "./leftovers.ts";
import { ADDRESS } from "./network.ts";

/** Needs the built program (CLAWHOLD_TEST_DIST, else dist). Hosts reach it at ADDRESS.edge. */
export async function startEdge(closers: Closers): Promise<RunningEdge> {
  const directory = machineDirectory("edge");
  closers.push(() => removeMachine(directory));
  return RunningEdge.start({ namespace: labName("edge"), directory }, ["--bind", ADDRESS.edge, "--public"], closers);
}

/** The same edge as another program, as after an upgrade: its data, its ports, its place. */
export async function restartEdge(edge: RunningEdge, program: string, closers: Closers): Promise<void> {
  const { installed, port, agentPort } = edge;
  await runningNow.get(edge)?.end();
  await edge.up.end();
  const places = ["--port", String(port), "--agent-port", String(agentPort), "--gateway", "none"];
  const bound = ["--bind", ADDRESS.edge, "--public"];
  const up = new Program({
    ...(installed.namespace === undefined ? {} : { namespace: installed.namespace }),
    program: process.execPath,
    parameters: ["--no-warnings", program, "up", ...places, ...bound, "--json", "--data", installed.directory],
    environment: { HOME: installed.directory, CLAWHOLD_RATE_FACTOR: "1000" },
  });
  runningNow.set(edge, up);
  closers.push(() => up.end());
  await up.mustSay((said) => said["event"] === "ready");
}

/** What was started in the place of the first program. */
const runningNow = new WeakMap<RunningEdge, Program>();
