/** What this machine says about itself, from the operating system and never from the gateway. */
import { availableParallelism, freemem, loadavg, platform, totalmem, uptime } from "node:os";
import type { Telemetry } from "../../../protocol/telemetry.ts";

export type MachineFacts = Omit<Telemetry["host"], "agentVersion" | "oneUser">;

const platforms: Readonly<Partial<Record<NodeJS.Platform, "linux" | "darwin">>> = { linux: "linux", darwin: "darwin" };

export function readMachine(): MachineFacts {
  return {
    platform: platforms[platform()] ?? "other",
    uptimeSeconds: Math.floor(uptime()),
    memoryTotalBytes: totalmem(),
    memoryFreeBytes: freemem(),
    loadMilli: Math.round((loadavg()[0] ?? 0) * 1_000),
    cpus: availableParallelism(),
  };
}
