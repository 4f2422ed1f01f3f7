/** What `clawhold ui` does: chooses edge and workspace, serves the signer, and ends when it is asked to. */
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { openDataDirectory } from "../edge/data-directory.ts";
import type { EdgeEvent } from "../edge/edge-log.ts";
import { EdgeError } from "../shared/edge-error.ts";
import { readAccessToken, type AccessToken } from "../signer/access-token.ts";
import { readAuthorities } from "../signer/authorities.ts";
import { readClientCertificate, type ClientCertificate } from "../signer/client-certificate.ts";
import { choose, chooseForSetup, type Choice } from "../signer/choose.ts";
import type { EdgeAddress } from "../signer/edge-address.ts";
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
  const { edge, workspace } = await chosen(input, io, memory);
  const authorities = readAuthorities(input.text("ca"));
  const access = accessOf(input, io, edge);
  const certificate = certificateOf(input, io, edge);
  const signer = await startSigner({
    edge,
    workspace,
    ...(workspace === undefined ? { onFounded: (founded) => remember(founded, { edge, memory, input, io }) } : {}),
    memory,
    access,
    uid: io.uid,
    authorities,
    certificate,
    port: portOf(input, "port", DEFAULT_PORT),
    webDirectory: io.bundle.web,
    log: (event) => logLine(event, input, io),
  });
  try {
    if (workspace === undefined) introduceSetup(signer.origin, edge, { input, io });
    else {
      await memory.pin(workspace, edge.url);
      introduce(signer.origin, { edge, workspace }, { input, io, file: memory.pathOf(workspace) });
    }
    void probeEdge({ edge, authorities, certificate }, access?.headers() ?? []).then((probe) =>
      sayProbe(probe, edge, { input, io }),
    );
    const isLinkFirst = workspace === undefined; // the link opens the page; a second one would only ask for it
    if (!input.json && !input.flag("no-open") && !isLinkFirst) openBrowser(signer.origin, io);
    await io.stopped;
    say({ event: "stopping" }, ["", "Stopping."], { input, io });
  } finally {
    await signer.stop();
  }
  return EXIT.ok;
}

/** Without a workspace: the one that is about to be founded. */
async function chosen(
  input: CommandInput,
  io: CliIo,
  memory: Memory,
): Promise<{ readonly edge: EdgeAddress; readonly workspace: string | undefined }> {
  const wanted = { edge: input.text("edge"), edgeName: input.text("edge-name"), workspace: input.text("workspace") };
  if (input.flag("setup")) return { edge: chooseForSetup(wanted), workspace: undefined };
  return choose({ ...wanted, ask: io.ask }, memory);
}

/** Before the page is told that it is remembered. */
async function remember(
  workspace: string,
  { edge, memory, ...terminal }: Terminal & { readonly edge: EdgeAddress; readonly memory: Memory },
): Promise<void> {
  await memory.pin(workspace, edge.url);
  const file = memory.pathOf(workspace);
  say(
    { event: "founded", workspace, memory: file },
    [
      "",
      `Founded. This machine remembers the workspace ${workspace} in ${file}; hosts and other machines are given this id.`,
    ],
    terminal,
  );
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
function accessOf(input: CommandInput, io: CliIo, edge: EdgeAddress): AccessToken | undefined {
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

/** Without TLS there is nobody to show it to. */
function certificateOf(input: CommandInput, io: CliIo, edge: EdgeAddress): ClientCertificate | undefined {
  const path = input.text("client-certificate");
  if (path === undefined) return undefined;
  if (edge.secure) return readClientCertificate(path, io.uid);
  throw new SignerError(
    "certificate_unusable",
    "A client certificate is for an edge with an https address. Leave --client-certificate out, or give that address with --edge.",
  );
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

function introduceSetup(url: string, edge: EdgeAddress, terminal: Terminal): void {
  say(
    { event: "ready", url, edge: edge.url },
    [
      `Clawhold ${terminal.io.version}, signer`,
      "",
      `  Signer     ${url}`,
      `  Edge       ${edge.url}`,
      "",
      `Now open the setup link that the deployment showed, in the browser of this machine. It begins with ${url}/setup`,
      "Press Ctrl-C to stop.",
    ],
    terminal,
  );
}

const SILENT =
  "The edge does not answer now. The page tries again by itself; look at this machine's network or tunnel.";

function sayProbe(probe: Probe, edge: EdgeAddress, terminal: Terminal): void {
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
