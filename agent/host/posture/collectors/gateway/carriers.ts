/**
 * Programs that carry connections from the internet to a port of this machine without listening here: tunnels. What they carry
 * is read from their command lines and settings, because nothing on this machine can be knocked at.
 */
import { servedDoors } from "../../../gateway/tailscale-serve.ts";
import type { Machine } from "../../machine.ts";
import type { Person } from "./people.ts";
import { processNamesNow } from "./process-names.ts";

export interface Carrier {
  /** The program's name. */
  readonly program: string;
  readonly port: number;
  /** What says so: a path, or the process. */
  readonly source: string;
}

const PROGRAMS: ReadonlySet<string> = new Set([
  "cloudflared",
  "ngrok",
  "frpc",
  "bore",
  "lt",
  "localtunnel",
  "zrok",
  "chisel",
]);
const MAX_COMMAND_BYTES = 65_536;

export async function carriersOf(
  machine: Machine,
  ports: readonly number[],
  people: readonly Person[],
): Promise<readonly Carrier[]> {
  const [processes, files] = await Promise.all([carryingProcesses(machine), settingsFiles(machine, people)]);
  const isRunning = processes.some(({ program }) => program === "cloudflared");
  const said = [
    ...processes.map(({ program, pid, words }) => ({ program, source: `process ${pid}`, text: words })),
    // A file alone carries nothing.
    ...(isRunning ? files.map(({ path, text }) => ({ program: "cloudflared", source: path, text })) : []),
  ];
  return said.flatMap(({ program, source, text }) =>
    ports.filter((port) => leadsTo(text, port)).map((port) => ({ program, port, source })),
  );
}

/** A target on loopback, in any of the spellings of these programs: `http://localhost:1`, `127.0.0.1:1`, ` 1 `, `-R 80:localhost:1`. */
export function leadsTo(text: string, port: number): boolean {
  const number = String(port);
  const named = new RegExp(`(?:localhost|127\\.\\d+\\.\\d+\\.\\d+|\\[::1\\]|0\\.0\\.0\\.0)[:"']?:?${number}(?!\\d)`);
  const bare = new RegExp(`(?:^|[\\s\\0=:])(?:--port[=\\s\\0])?${number}(?=$|[\\s\\0])`, "m");
  return named.test(text) || bare.test(text);
}

async function carryingProcesses(
  machine: Machine,
): Promise<readonly { readonly program: string; readonly pid: string; readonly words: string }[]> {
  const named = (await processNamesNow(machine)).filter(({ name }) => PROGRAMS.has(name) || name === "ssh");
  const found = await Promise.all(
    named.map(async ({ pid: number, name: program }) => {
      const pid = String(number);
      const isSshBackwards = program === "ssh";
      const line = await machine.read(`/proc/${pid}/cmdline`, MAX_COMMAND_BYTES);
      const words = line.kind === "text" ? line.text.replaceAll("\0", " ") : "";
      // ssh carries to here only backwards.
      if (isSshBackwards && !/\s-[A-Za-z]*R/.test(words)) return [];
      return [{ program, pid, words }];
    }),
  );
  return found.flat();
}

async function settingsFiles(
  machine: Machine,
  people: readonly Person[],
): Promise<readonly { readonly path: string; readonly text: string }[]> {
  const homes = people.filter(({ home }) => home !== "/").map(({ home }) => `${home}/.cloudflared`);
  const paths = ["/etc/cloudflared", ...homes].flatMap((directory) => [
    `${directory}/config.yml`,
    `${directory}/config.yaml`,
  ]);
  const files = await Promise.all(paths.map(async (path) => ({ path, file: await machine.read(path) })));
  return files.flatMap(({ path, file }) => (file.kind === "text" ? [{ path, text: file.text }] : []));
}

export interface TailscaleDoors {
  /** Ports on which the tailnet sees the gateway. */
  readonly served: readonly number[];
  /** Ports on which the whole internet does. */
  readonly funnelled: readonly number[];
}

/** From the output of `tailscale serve status --json`. */
export function tailscaleDoorsIn(text: string, ports: readonly number[]): TailscaleDoors {
  const doors = ports.flatMap((port) => servedDoors(text, port, "100.64.0.0"));
  return {
    served: doors.filter(({ address }) => address !== "0.0.0.0").map(({ port }) => port),
    funnelled: doors.filter(({ address }) => address === "0.0.0.0").map(({ port }) => port),
  };
}
