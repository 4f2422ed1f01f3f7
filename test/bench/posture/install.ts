/** From the pasted command to a host that is admitted and says how it stands. */
import type { Machine } from "../../lab/machine.ts";
import { clawhold, type RunningEdge } from "../../net/product.ts";
import { row, type Row } from "../bench.ts";
import { postureOf } from "./telling.ts";

const TARGET_SECONDS = 60;

interface Installed {
  readonly rows: readonly Row[];
  readonly host: string;
}

export async function measureInstall(edge: RunningEdge, machine: Machine): Promise<Installed> {
  const adding = clawhold(edge.installed, "host", "add");
  const command = String((await adding.mustSay((said) => said["event"] === "add"))["command"]);
  const started = performance.now();
  const { code, stderr } = await machine.run(["/bin/bash", "-s"], { input: `${command}\n` });
  if (code !== 0) throw new Error(stderr);
  const pasted = seconds(started);
  const { host } = JSON.parse(await machine.read("/var/lib/clawhold/host/host.json")) as { readonly host: string };
  await edge.operator.admitFirstHost(host);
  await postureOf(edge, host);
  return {
    host,
    rows: [
      row({ name: "paste to words", value: pasted, unit: "s" }),
      row({ name: "paste to green", value: seconds(started), unit: "s", target: TARGET_SECONDS }),
    ],
  };
}

function seconds(since: number): number {
  return (performance.now() - since) / 1_000;
}
