/**
 * `clawhold host install`: what install.sh starts from the release that it has checked. Not for typing, though it may be: it
 * says what it makes, makes it, and shows the six words.
 */
import { existsSync } from "node:fs";
import * as v from "valibot";
import { digest, fingerprint } from "../../protocol/fields.ts";
import { joinHost, wordsOf } from "../host/join.ts";
import { openHostState } from "../host/state.ts";
import { hostLayout, type HostLayout } from "../host/units/layout.ts";
import { readHostKeys } from "../host/warden/keys.ts";
import { InstallError } from "../install/install-error.ts";
import { installHost, pinnedWorkspace, readRelease } from "../install/install.ts";
import { gatewayPlaceOf } from "../install/gateway-place.ts";
import { linuxSystem } from "../install/system.ts";
import type { Command, CommandInput } from "./command.ts";
import { EXIT, usageError, type CliIo } from "./io.ts";
import { gatewayOf, labelOf } from "./join.ts";

/** A join file is under 500 bytes. */
const MAX_JOIN_FILE_BYTES = 8_192;
const NEWLINE = 0x0a;

export const hostInstall: Command = {
  name: "host install",
  summary: "Make this machine a host, with services of its own",
  help: `Usage: clawhold host install --from <directory> --sha256 <hex> --workspace=<id> [options] < join.json

What the script of clawhold host add starts, as root, from the release that it has held against its sum: users, services
and directories of their own, and a place in the workspace, where the host waits to be admitted. It says each step, and
leaves out what is done: run it again after anything that stopped it. A newer version is put beside the one in use,
which stays as the way back.

  --from <directory>   the release, unpacked
  --sha256 <hex>       of the archive that it came in
  --workspace=<id>     the workspace that the join file must be for
  --label <name>       the name under which people see this host; the host name unless given
  --gateway <url|none> where this machine's gateway listens, unless its own configuration says so
  --node <path>        the Node that the services run under
  --dry-run            say what would be done, and change nothing
  --json               one JSON object a line`,
  options: {
    from: { type: "string" },
    sha256: { type: "string" },
    workspace: { type: "string" },
    label: { type: "string" },
    gateway: { type: "string" },
    node: { type: "string" },
    // What the script was given and has used.
    url: { type: "string" },
    version: { type: "string" },
    insecure: { type: "boolean" },
    "dry-run": { type: "boolean" },
  },
  run: async (input, io) => {
    const asked = read(input, io);
    if (io.uid !== 0)
      throw new InstallError("not_root", "Only root installs a host. Become root (sudo -i, or su -), then try again.");
    const layout = hostLayout({ node: asked.node, ...gatewayPlaceOf(asked.gateway) });
    const isDryRun = input.flag("dry-run");
    const say = (step: string): void => io.out(input.json ? JSON.stringify({ event: "step", step }) : `  ${step}`);
    if (!input.json) io.out(isDryRun ? "This would be done:" : "Clawhold makes this machine a host:");
    const { steps } = await installHost({
      layout,
      system: linuxSystem,
      release: readRelease(asked.from, asked.sha256, asked.node),
      workspace: asked.workspace,
      isDryRun,
      join: () => joinHere(layout, asked, io),
      say,
    });
    const words = isDryRun ? undefined : wordsHere(layout);
    if (input.json) io.out(JSON.stringify({ event: isDryRun ? "planned" : "installed", steps, words }));
    else for (const line of said(steps, words)) io.out(line);
    return EXIT.ok;
  },
};

interface Asked {
  readonly from: string;
  readonly sha256: string;
  readonly workspace: string;
  readonly label: string;
  readonly gateway: ReturnType<typeof gatewayOf>;
  readonly node: string;
}

function read(input: CommandInput, io: CliIo): Asked {
  const [from, sha256, workspace] = [input.text("from"), input.text("sha256"), input.text("workspace")];
  if (from === undefined || !existsSync(from)) throw usageError("--from needs the directory of an unpacked release.");
  if (!v.is(fingerprint, sha256)) throw usageError("--sha256 needs 64 hexadecimal digits.");
  if (!v.is(digest, workspace)) throw usageError("--workspace needs the id of a workspace.");
  const label = labelOf(input.text("label") ?? io.hostname);
  const node = input.text("node") ?? io.node;
  return { from, sha256, workspace, label, gateway: gatewayOf(input.text("gateway")), node };
}

async function joinHere(layout: HostLayout, { workspace, label, gateway }: Asked, io: CliIo): Promise<void> {
  const bytes = await io.readInput(MAX_JOIN_FILE_BYTES);
  await joinHost(bytes.at(-1) === NEWLINE ? bytes.subarray(0, -1) : bytes, {
    state: openHostState(layout.state),
    label,
    colocated: false,
    gateway,
    environment: io.environment,
    typedWorkspace: workspace,
  });
}

function wordsHere(layout: HostLayout): readonly string[] | undefined {
  const workspace = pinnedWorkspace(layout);
  const keys = readHostKeys(`${layout.wardenState}/keys.json`);
  return workspace === undefined || keys === undefined ? undefined : wordsOf(keys, workspace);
}

function said(steps: readonly string[], words: readonly string[] | undefined): readonly string[] {
  if (words === undefined) return steps.length === 0 ? ["  Nothing: everything is as it should be."] : [];
  return [
    ...(steps.length === 0 ? ["  Nothing was changed: everything is as it should be."] : []),
    "",
    "Compare these six words with the ones that the page shows for this host:",
    "",
    `  ${words.join(" ")}`,
    "",
    "If they are the same, admit it there. Until then it obeys nobody. If one differs, somebody stands between: do not.",
    "How it stands: clawhold status. To take it away again: clawhold host uninstall.",
  ];
}
