/**
 * Where the edge is, from what a person typed. https anywhere; plain http only to this machine itself, which is how a
 * tunnel to a machine that runs `clawhold up` arrives here, and whose names are never looked up.
 */
import * as v from "valibot";
import { edgeUrl } from "../../protocol/signer-memory.ts";
import { DASHBOARD_HOSTNAME } from "../edge/loopback.ts";
import { SignerError } from "./signer-error.ts";

export interface EdgeAddress {
  /** As a person reads it and as it is remembered: scheme, host and port. */
  readonly url: string;
  readonly secure: boolean;
  /** Name or address to connect to. */
  readonly hostname: string;
  readonly port: number;
  /** The name by which the far side knows itself. */
  readonly host: string;
}

/** Every name that means this machine, and the address that is dialled for it. */
const LOOPBACK: ReadonlyMap<string, string> = new Map([
  [DASHBOARD_HOSTNAME, "127.0.0.1"],
  ["localhost", "127.0.0.1"],
  ["127.0.0.1", "127.0.0.1"],
  ["[::1]", "::1"],
]);

/**
 * `name`: what the far side calls itself, when a tunnel gave it another port here.
 * @throws {SignerError} `edge_address`
 */
export function parseEdgeAddress(text: string, name: string | undefined): EdgeAddress {
  const url = parse(text);
  const dialled = LOOPBACK.get(url.hostname);
  const secure = url.protocol === "https:";
  if (!secure && dialled === undefined) {
    throw new SignerError(
      "edge_address",
      `${text} would be asked without encryption. Use its https address; or bring it to this machine first, for example with ssh -L, and give http://${DASHBOARD_HOSTNAME} with the port it has here.`,
    );
  }
  if (name !== undefined && (secure || !NAME.test(name))) {
    throw new SignerError(
      "edge_address",
      `--edge-name is for tunnels to clawhold up: what its front calls itself there, for example ${DASHBOARD_HOSTNAME}:4470.`,
    );
  }
  const port = Number(url.port === "" ? (secure ? 443 : 80) : url.port);
  // An https edge is dialled by the name that was typed: the certificate is held against that very name.
  const hostname = secure ? url.hostname.replace(/^\[|\]$/g, "") : (dialled ?? "");
  return { url: url.origin, secure, hostname, port, host: name ?? hostOf(url) };
}

const NAME = new RegExp(`^${DASHBOARD_HOSTNAME.replace(".", "[.]")}(:[1-9]\\d{0,4})?$`);

/** A front answers to its own name only; whoever typed an address of this machine means that front. */
function hostOf(url: URL): string {
  if (url.protocol === "https:") return url.host;
  return url.port === "" ? DASHBOARD_HOSTNAME : `${DASHBOARD_HOSTNAME}:${url.port}`;
}

function parse(text: string): URL {
  const trimmed = text.endsWith("/") ? text.slice(0, -1) : text;
  // The schema first: URL repairs what it reads (case, dots, backslashes), and a repaired address is another one.
  if (v.is(edgeUrl, trimmed) && URL.canParse(trimmed)) {
    const url = new URL(trimmed);
    if (url.hostname === hostnameIn(trimmed)) return url;
  }
  throw new SignerError(
    "edge_address",
    `--edge takes the address of an edge without a path: https://name, or http://${DASHBOARD_HOSTNAME} with a port for one that is tunnelled to this machine.`,
  );
}

function hostnameIn(text: string): string {
  return (text.split("//")[1] ?? "").replace(/:\d+$/, "");
}
