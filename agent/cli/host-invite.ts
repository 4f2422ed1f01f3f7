/**
 * `clawhold host invite`: a join file for another machine. It holds a secret, so it goes to a new file of its owner alone
 * or to standard output, and into no log.
 */
import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { utf8Text } from "../../protocol/bytes.ts";
import { joinFileCodec } from "../../protocol/join-file.ts";
import { hexFingerprint } from "../host/link/edge-authority.ts";
import { parseEndpoint } from "../host/link/endpoint.ts";
import { existingHostState, requireJoined, type HostFile, type TlsFile } from "../host/state.ts";
import { dataDirectoryOf, dataOption, type Command, type CommandInput } from "./command.ts";
import { CliError, EXIT, usageError, type CliIo } from "./io.ts";
import { writeNewFile } from "./new-file.ts";
import { advertisedEndpoint, findRunningEdge } from "./running-edge.ts";
import { edgeAdmin } from "./up/edge-admin.ts";

export const hostInvite: Command = {
  name: "host invite",
  summary: "Make a join file for another machine",
  help: `Usage: clawhold host invite [--out <file>] [--data <directory>] [--json]

Says what another machine needs to join this workspace: where the edge is, which certificates and which workspace to
believe, and a token that works once, for 15 minutes. Carry it to that machine by a way you trust and give it to
clawhold join there.

With --out it goes into a new file that only you can read; a file that exists is left as it is. Without, it goes to
standard output, for a pipe that stores it nowhere: clawhold host invite | ssh vps clawhold join

  --out <file>         the join file to make, for example join.json
  --data <directory>   the data directory of the running clawhold up
  --json               one JSON object`,
  options: { ...dataOption, out: { type: "string" } },
  run: async (input, io) => {
    if (input.text("out") === "") throw usageError("--out needs a file.");
    const data = dataDirectoryOf(input, io);
    const admin = edgeAdmin(findRunningEdge(data));
    // The pin is this machine's own, from the root that its setup key signed; the edge is only asked for the token.
    const state = existingHostState(join(data, "host"));
    if (state.host() === undefined)
      throw new CliError(
        "no_workspace",
        "There is no workspace to invite to yet. Open the setup link that clawhold up shows, then type this again.",
        EXIT.unreachable,
      );
    const { host, tls } = requireJoined(state);
    // This machine's own agent dials loopback; what others dial is what the running edge says.
    const edge = advertisedEndpoint(data) ?? host.edge;
    await hand(async () => joinFileText({ ...host, edge }, tls, await admin.joinToken()), input, io);
    const { hostname } = parseEndpoint(edge);
    if (hostname.startsWith("127.") || hostname === "::1") {
      io.err(
        "This edge listens on this machine only. For hosts elsewhere, start it with --bind and an address that they reach.",
      );
    }
    return EXIT.ok;
  },
};

function joinFileText(host: HostFile, tls: TlsFile, token: string): string {
  const { edge, workspace } = host;
  const edgeCa = tls.edgeCa === undefined ? {} : { edgeCa: hexFingerprint(new X509Certificate(tls.edgeCa)) };
  return utf8Text(joinFileCodec.encode({ v: 1, edge, workspace, token, ...edgeCa }));
}

/** Into the file that --out names, or to standard output. */
async function hand(make: () => Promise<string>, input: CommandInput, io: CliIo): Promise<void> {
  const path = input.text("out");
  if (path === undefined) {
    const text = await make();
    io.out(input.json ? JSON.stringify({ event: "invite", joinFile: text }) : text);
    return;
  }
  await writeNewFile(path, async () => `${await make()}\n`);
  if (input.json) io.out(JSON.stringify({ event: "invite", file: path }));
  else
    io.out(
      `${path} is written, readable by you alone. It works once, for 15 minutes: carry it to the other machine by a way you trust, type there clawhold join --file and its name, then delete it on both.`,
    );
}
