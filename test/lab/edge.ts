/** The real local edge at its place on the lab's network, with a workspace and a person who has a passkey there. */
import type { Closers } from "../../agent/edge/closers.ts";
import { RunningEdge } from "../net/product.ts";
import { labName, machineDirectory, removeMachine } from "./leftovers.ts";
import { ADDRESS } from "./network.ts";

/** Needs the built program (CLAWHOLD_TEST_DIST, else dist). Hosts reach it at ADDRESS.edge. */
export async function startEdge(closers: Closers): Promise<RunningEdge> {
  const directory = machineDirectory("edge");
  closers.push(() => removeMachine(directory));
  return RunningEdge.start({ namespace: labName("edge"), directory }, ["--bind", ADDRESS.edge, "--public"], closers);
}
