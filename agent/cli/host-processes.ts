/**
 * `clawhold host link`, `host reader`, `host warden`: the three processes of an installed host, which systemd starts (agent/host/units).
 * Nobody types them; each says so.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { toBase64url } from "../../protocol/bytes.ts";
import { NONCE_BYTES } from "../../protocol/limits.ts";
import { runLink } from "../host/link-process.ts";
import { inheritedSockets } from "../host/ports/inherited.ts";
import { runReader } from "../host/reader-process.ts";
import { hostLayout, type HostLayout } from "../host/units/layout.ts";
import { runWarden } from "../host/warden-process.ts";
import type { Command, CommandInput } from "./command.ts";
import { EXIT, usageError, type CliIo } from "./io.ts";

/** For tests, and for a host below another directory. */
const options = { root: { type: "string" } } as const;

function helpOf(name: string, what: string): string {
  return `Usage: clawhold host ${name} [--root <directory>]

Started by systemd on an installed host: ${what}
On a machine that was not installed type clawhold host run, which is all three in one process.

  --root <directory>   set before every path`;
}

export const hostLink: Command = {
  name: "host link",
  summary: "Dial the edge (started by systemd)",
  help: helpOf("link", "carries frames between the edge and the warden, and holds no authority."),
  options,
  run: async (input, io) => {
    const link = runLink({ ...shared(io), layout: layoutOf(input) });
    try {
      await Promise.race([io.stopped, link.failed]);
    } finally {
      await link.stop();
    }
    return EXIT.ok;
  },
};

export const hostReader: Command = {
  name: "host reader",
  summary: "Read the gateway's figures (started by systemd)",
  help: helpOf("reader", "says the gateway's figures while somebody listens, and ends."),
  options,
  run: async (input, io) => {
    const reader = await runReader({ ...shared(io), layout: layoutOf(input), sockets: socketsOf(io) });
    try {
      await Promise.race([io.stopped, reader.alone, reader.failed]);
    } finally {
      await reader.stop();
    }
    return EXIT.ok;
  },
};

/** A warden that cannot start must not be started without end by whoever waits at its socket. */
const FAILED_MILLISECONDS = 2_000;

export const hostWarden: Command = {
  name: "host warden",
  summary: "Verify and execute (started by systemd)",
  help: `${helpOf("warden", "verifies and executes without a network, and ends when nothing is under way.")}
  --quiet <seconds>    how long nobody must have spoken to it before it ends (60)`,
  options: { ...options, quiet: { type: "string" } },
  run: async (input, io) => {
    try {
      const warden = await runWarden({
        ...shared(io),
        layout: layoutOf(input),
        sockets: socketsOf(io),
        quietMilliseconds: quietOf(input) * 1_000,
      });
      try {
        await Promise.race([io.stopped, warden.asleep, warden.failed]);
      } finally {
        await warden.stop();
      }
      return EXIT.ok;
    } catch (error) {
      await Promise.race([io.stopped, wait(FAILED_MILLISECONDS)]);
      throw error;
    }
  },
};

function quietOf(input: CommandInput): number {
  const seconds = Number(input.text("quiet") ?? "60");
  if (Number.isSafeInteger(seconds) && seconds > 0) return seconds;
  throw usageError("--quiet needs a whole number of seconds.");
}

function layoutOf(input: CommandInput): HostLayout {
  const root = input.text("root");
  return hostLayout(root === undefined ? {} : { root });
}

function socketsOf(io: CliIo): ReadonlyMap<string, number> {
  return inheritedSockets(io.environment, io.pid);
}

function shared(io: CliIo) {
  return {
    agentVersion: io.version,
    pid: io.pid,
    ownUid: io.uid,
    environment: io.environment,
    homeDirectory: io.homeDirectory,
    clock: { wall: () => Date.now(), monotonic: () => performance.now() },
    random: () => Math.random(),
    nonce: () => toBase64url(randomBytes(NONCE_BYTES)),
    wait: (milliseconds: number) => wait(milliseconds, undefined, { ref: false }),
    log: (line: Readonly<Record<string, string | number | boolean>>) => io.err(JSON.stringify(line)),
  };
}
