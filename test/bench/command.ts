/**
 * Round trip of a signed no-op command, prepare to receipt, warm and from an in-process client, against `ssh host
 * true` on loopback with a fresh connection and with a multiplexed one, in the same run.
 */
import { row, percentile, timed, type Bench } from "./bench.ts";
import { startInstallation } from "./installation.ts";
import { startSsh } from "./ssh.ts";

const WARM_UP = 20;
const TIMES = 60;
const FRESH_TARGET = 1 / 15;
const MULTIPLEXED_TARGET = 1;

export const command: Bench = {
  name: "command",
  about: "signed no-op command, prepare to receipt, against ssh",
  async run() {
    const ssh = await startSsh();
    if ("skipped" in ssh) return ssh;
    const installation = await startInstallation({ gateway: "none" });
    const { operator, host } = installation;
    const once = async () => {
      const sent = await operator.build("host.check@1", host);
      const first = await operator.submit(sent);
      const status = first.state === "receipted" ? first : await operator.ended(sent, host, 1);
      if (status.state !== "receipted") throw new Error(`the command ended as ${status.state}`);
    };
    try {
      await timed(WARM_UP, once);
      const ours = await timed(TIMES, once);
      await timed(3, ssh.fresh);
      const fresh = await timed(TIMES / 2, ssh.fresh);
      await timed(3, ssh.multiplexed);
      const multiplexed = await timed(TIMES, ssh.multiplexed);
      const p50 = percentile(ours, 0.5);
      return [
        row({
          name: "command p50",
          value: p50,
          unit: "ms",
          baseline: { name: "ssh, fresh connection, p50", value: percentile(fresh, 0.5) },
          target: FRESH_TARGET,
        }),
        row({
          name: "command p50",
          value: p50,
          unit: "ms",
          baseline: { name: "ssh, multiplexed, p50", value: percentile(multiplexed, 0.5) },
          target: MULTIPLEXED_TARGET,
        }),
        row({
          name: "command p99",
          value: percentile(ours, 0.99),
          unit: "ms",
          baseline: { name: "ssh, fresh connection, p99", value: percentile(fresh, 0.99) },
        }),
      ];
    } finally {
      await installation.stop();
      await ssh.stop();
    }
  },
};
