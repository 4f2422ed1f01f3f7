/**
 * What looking at a host costs: on a real Debian server with a real gateway, joined by the pasted command, against Lynis on the same
 * server in the same run, and against a bare Node process there.
 */
import { closeAll, type Closers } from "../../agent/edge/closers.ts";
import { startEdge } from "../lab/edge.ts";
import { gatewayShown, startGateway } from "../lab/gateway.ts";
import { Machine } from "../lab/machine.ts";
import { Network } from "../lab/network.ts";
import { rootFileSystem } from "../lab/root-file-system.ts";
import { ensure, LYNIS, namespaces, NSPAWN } from "../tasks/debian.ts";
import type { Bench, Row } from "./bench.ts";
import { measureAgent } from "./posture/agent.ts";
import { measureInstall } from "./posture/install.ts";
import { measureScans } from "./posture/scans.ts";

const RELEASE = "trixie";

export const posture: Bench = {
  name: "posture",
  about: "a scan against Lynis, the installed agent against a bare Node, from paste to green, from drift to alert",
  async run() {
    const missing = namespaces() ?? [NSPAWN, LYNIS].map(ensure).find((reason) => reason !== undefined);
    if (missing !== undefined) return { skipped: missing };
    if (rootFileSystem(RELEASE) === undefined)
      return { skipped: `no Debian ${RELEASE} yet. Type: node test/lab/prepare.ts ${RELEASE}` };
    const closers: Closers = [];
    try {
      return await measure(closers);
    } finally {
      await closeAll(closers);
    }
  },
};

async function measure(closers: Closers): Promise<readonly Row[]> {
  const network = new Network();
  closers.push(() => network.close());
  const [edge, machine] = await Promise.all([
    startEdge(closers),
    Machine.started({ network, release: RELEASE, shown: await gatewayShown() }),
  ]);
  closers.push(() => machine.remove());
  await startGateway(machine);
  const { rows, host } = await measureInstall(edge, machine);
  return [...rows, ...(await measureAgent({ edge, machine, host })), ...(await measureScans(machine))];
}
