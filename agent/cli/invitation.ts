/** What another machine needs to join the workspace of the edge that runs here: this machine's own pin, and a token. */
import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { MalformedError } from "../../protocol/canonical.ts";
import { utf8Text } from "../../protocol/bytes.ts";
import { joinFileCodec } from "../../protocol/join-file.ts";
import { hexFingerprint } from "../host/link/edge-authority.ts";
import { parseEndpoint } from "../host/link/endpoint.ts";
import { existingHostState, requireJoined } from "../host/state.ts";
import { CliError, EXIT, usageError } from "./io.ts";
import { advertisedEndpoint, findRunningEdge } from "./running-edge.ts";
import { edgeAdmin } from "./up/edge-admin.ts";

export interface Invitation {
  readonly edge: string;
  readonly workspace: string;
  /** True where others have to be told which authority the edge has. */
  readonly hasOwnAuthority: boolean;
  /** True where other machines cannot reach the edge. */
  readonly isLocalOnly: boolean;
  /** Asks the edge for a token, which works once and for 15 minutes. The text is a secret. */
  readonly joinFile: () => Promise<string>;
}

export const LOCAL_ONLY =
  "This edge listens on this machine only. For hosts elsewhere, start it with --bind and an address that they reach.";

/** @throws {CliError} */
export function invitationFrom(data: string): Invitation {
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
  const { workspace } = host;
  const edgeCa = tls.edgeCa === undefined ? {} : { edgeCa: hexFingerprint(new X509Certificate(tls.edgeCa)) };
  const { hostname } = parseEndpoint(edge);
  return {
    edge,
    workspace,
    hasOwnAuthority: tls.edgeCa !== undefined,
    isLocalOnly: hostname.startsWith("127.") || hostname === "::1",
    joinFile: async () =>
      utf8Text(joinFileCodec.encode({ v: 1, edge, workspace, token: await admin.joinToken(), ...edgeCa })),
  };
}

/** As somebody's signer wrote it down: its token is the one there is. @throws {CliError} */
export function invitationIn(bytes: Uint8Array): Invitation {
  try {
    const { edge, workspace, edgeCa } = joinFileCodec.decode(bytes);
    return {
      edge,
      workspace,
      hasOwnAuthority: edgeCa !== undefined,
      isLocalOnly: false,
      joinFile: () => Promise.resolve(utf8Text(bytes)),
    };
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw usageError(
      "That is not a join file. It is one line of JSON that the signer's page saved; give it unchanged.",
    );
  }
}
