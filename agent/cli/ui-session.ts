/** What `clawhold ui` does: chooses edge and workspace, serves the signer, and ends when it is asked to. */
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { openDataDirectory } from "../edge/data-directory.ts";
import type { EdgeEvent } from "../edge/edge-log.ts";
import { EdgeError } from "../shared/edge-error.ts";
import { readAccessToken, type AccessToken } from "../signer/access-token.ts";
import { readAuthorities } from "../signer/authorities.ts";
import { choose, type Choice } from "../signer/choose.ts";
import { Memory } from "../signer/memory.ts";
import { probeEdge, type Probe } from "../signer/probe.ts";
import { SIGNER_PROBLEMS } from "../signer/problem.ts";
import { SignerError } from "../signer/signer-error.ts";
import { startSigner } from "../signer/signer.ts";
import { dataDirectoryOf, portOf, type CommandInput } from "./command.ts";
import { EXIT, type CliIo, type ExitCode } from "./io.ts";
import { DEFAULT_PORT } from "./up/ports.ts";

export async function runUi(input: CommandInput, io: CliIo): Promise<ExitCode> {
  const memory = openMemory(input, io);
  const choice = await choose(
    {
      edge: input.text("edge"),
      edgeName: input.text("edge-name"),
      workspace: input.text("workspace"),
      ask: io.ask,
    },
    memory,
  );
  const authorities = readAuthorities(input.text("ca"));
  const access = accessOf(input, io, choice);
  const signer = await startSigner({
    ...choice,
    memory,
    access,
    uid: io.uid,
    authorities,
    port: portOf(input, "port", DEFAULT_PORT),
    webDirectory: io.bundle.web,
    log: (event) => logLine(event, input, io),
  });
  try {
    await memory.pin(choice.workspace, choice.edge.url);
    introduce(signer.origin, choice, { input, io, file: memory.pathOf(choice.workspace) });
    void probeEdge({ edge: choice.edge, authorities }, access?.headers() ?? []).then((probe) =>
      sayProbe(probe, choice, { input, io }),
    );
    if (!input.json && !input.flag("no-open")) openBrowser(signer.origin, io);
    await io.stopped;
    say({ event: "stopping" }, ["", "Stopping."], { input, io });
  } finally {
    await signer.stop();
  }
  return EXIT.ok;
}

/** In the data directory of this installation, which an edge of this machine may hold: what is ours has its own lock. */
function openMemory(input: CommandInput, io: CliIo): Memory {
  const path = dataDirectoryOf(input, io);
  const now = (): Date => new Date();
  try {
    openDataDirectory(path, now).close();
  } catch (error) {
    if (!(error instanceof EdgeError && error.code === "locked")) throw error; // locked: somebody has judged and opened it
  }
  const directory = join(path, "signer");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return new Memory({ directory, uid: io.uid, now });
}

/** A token is for https only: anybody who holds the port of a tunnel could read it. */
function accessOf(input: CommandInput, io: CliIo, { edge }: Choice): AccessToken | undefined {
  const path = input.text("access-token-file");
  if (path === undefined) return undefined;
  if (!edge.secure) {
    throw new SignerError(
      "token_unusable",
      "A service token is for an edge behind Cloudflare Access, which has an https address. Leave --access-token-file out, or give that address with --edge.",
    );
  }
  return readAccessToken(path, io.uid);
}

interface Terminal {
  readonly input: CommandInput;
  readonly io: CliIo;
}

function say(event: Readonly<Record<string, unknown>>, lines: readonly string[], { input, io }: Terminal): void {
  if (input.json) io.out(JSON.stringify(event));
  else for (const line of lines) io.out(line);
}

function introduce(url: string, { edge, workspace }: Choice, terminal: Terminal & { readonly file: string }): void {
  const rows = [
    ["Signer", url],
    ["Edge", edge.url],
    ["Workspace", workspace],
    ["Remembers", terminal.file],
  ];
  const lines = rows.map(([name = "", value = ""]) => `  ${name.padEnd(11)}${value}`);
  say(
    { event: "ready", url, edge: edge.url, workspace, memory: terminal.file },
    [`Clawhold ${terminal.io.version}, signer`, "", ...lines, "", "Press Ctrl-C to stop."],
    terminal,
  );
}

const SILENT =
  "The edge does not answer now. The page tries again by itself; look at this machine's network or tunnel.";

function sayProbe(probe: Probe, { edge }: Choice, terminal: Terminal): void {
  const code = probe.state === "problem" ? probe.code : undefined;
  const message = probe.state === "ok" ? undefined : code === undefined ? SILENT : SIGNER_PROBLEMS[code];
  say(
    { event: "edge", state: probe.state, edge: edge.url, code, message },
    message === undefined ? [] : ["", message],
    terminal,
  );
}

function logLine({ level, code, detail }: EdgeEvent, input: CommandInput, io: CliIo): void {
  if (input.json) io.err(JSON.stringify({ signer: code, level, detail }));
  else if (level !== "info") io.err(detail);
}

/** Where somebody sits: with a terminal and a screen. The address holds no secret. */
function openBrowser(url: string, io: CliIo): void {
  const { DISPLAY, WAYLAND_DISPLAY } = io.environment;
  if (io.ask === undefined || (DISPLAY ?? WAYLAND_DISPLAY) === undefined) return;
  const opener = spawn("xdg-open", [url], { stdio: "ignore", detached: true });
  opener.on("error", () => io.err(`No browser could be opened. Open ${url} yourself.`));
  opener.unref();
}
