/**
 * The program of a host's agent alone (`clawhold host run`), which lives for months: nothing is in it that only another
 * command needs. Built as CommonJS (agent/build.mjs), because what loads modules of the other kind, and what it then
 * loads of Node's own, stays in memory for as long as the agent does (docs/decisions/0032-what-an-idle-host-costs.md).
 */
import { runCommands } from "./cli/dispatch.ts";
import { hostLink, hostReader, hostWarden } from "./cli/host-processes.ts";
import { hostRun } from "./cli/host-run.ts";
import { LOOK_MILLISECONDS, QuietHeap } from "./host/quiet-heap.ts";
import { processIo } from "./process-io.ts";

const { gc } = globalThis;
// Only where Node was started for an agent (AGENT_FLAGS); without the flag it is just larger.
if (gc !== undefined) {
  const heap = new QuietHeap({
    used: () => process.memoryUsage().heapUsed,
    collect: () => gc({ type: "major", flavor: "last-resort", execution: "sync" }),
  });
  setInterval(() => heap.look(), LOOK_MILLISECONDS).unref();
}

const [, entry = "", ...argv] = process.argv;
// A mistake of ours rejects, and Node then ends the process and says where.
// Sockets and timers of libraries must not keep a finished command alive.
void runCommands(argv, processIo(entry), [hostRun, hostLink, hostReader, hostWarden]).then((code) =>
  process.exit(code),
);
