/** `clawhold host invite`: a join file for another machine. It holds a secret, so it goes to standard output and no log. */
import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { utf8Text } from "../../protocol/bytes.ts";
import { joinFileCodec } from "../../protocol/join-file.ts";
import { hexFingerprint } from "../host/link/edge-authority.ts";
import { parseEndpoint } from "../host/link/endpoint.ts";
import { existingHostState, requireJoined } from "../host/state.ts";
import { dataDirectoryOf, dataOption, type Command } from "./command.ts";
import { CliError, EXIT } from "./io.ts";
import { findRunningEdge } from "./running-edge.ts";
import { edgeAdmin } from "./up/edge-admin.ts";

export const hostInvite: Command = {
  name: "host invite",
  summary: "Print a join file for another machine",
  help: `Usage: clawhold host invite [--data <directory>] [--json] > join.json

Prints what another machine needs to join this workspace: where the edge is, which certificates and which workspace to
believe, and a token that works once, for 15 minutes. Carry it to that machine by a way you trust and give it to
clawhold join there, for example: clawhold host invite | ssh vps clawhold join

  --data <directory>   the data directory of the running clawhold up
  --json               one JSON object`,
  options: dataOption,
  run: async (input, io) => {
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
    const bytes = joinFileCodec.encode({
      v: 1,
      edge: host.edge,
      workspace: host.workspace,
      token: await admin.joinToken(),
      ...(tls.edgeCa === undefined ? {} : { edgeCa: hexFingerprint(new X509Certificate(tls.edgeCa)) }),
    });
    const text = utf8Text(bytes);
    io.out(input.json ? JSON.stringify({ event: "invite", joinFile: text }) : text);
    const { hostname } = parseEndpoint(host.edge);
    if (hostname.startsWith("127.") || hostname === "::1") {
      io.err(
        "This edge listens on this machine only. For hosts elsewhere, start it with --bind and an address that they reach.",
      );
    }
    return EXIT.ok;
  },
};
