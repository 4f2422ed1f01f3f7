/**
 * `--bind` and what belongs to it: from typed words to options of the edge, and from what became of them to sentences.
 * Listens to nothing itself.
 */
import { resolve } from "node:path";
import type { BindOptions } from "../../edge/bind/asked.ts";
import type { BindNews } from "../../edge/bind/bound.ts";
import type { Edge } from "../../edge/runtime.ts";
import { readHeldTrust } from "../../host/trust-file.ts";
import type { HostState } from "../../host/state.ts";
import type { CommandInput } from "../command.ts";
import { usageError } from "../io.ts";

export const bindOptions = {
  bind: { type: "string" },
  public: { type: "boolean" },
  name: { type: "string" },
  "tls-cert": { type: "string" },
  "tls-key": { type: "string" },
  "no-browser-certificates": { type: "boolean" },
} as const;

export const bindHelp = `  --bind <where>        listen for other machines too: a network interface (tailscale0, wg0, tun0) or an address
  --public              allow --bind an address that the internet reaches
  --name <name>         serve the dashboard there, under this name, over https
  --tls-cert <file>     the certificate for that name, for example from tailscale cert, and
  --tls-key <file>      its key; without the two, an authority of this edge vouches for the name
  --no-browser-certificates
                        let any browser there open the sign-in page, not only those with a certificate of this edge`;

/** Undefined: on this machine only. */
export function readBind(input: CommandInput, news: (news: BindNews) => void): BindOptions | undefined {
  const target = input.text("bind");
  const name = input.text("name");
  const [certificate, key] = [input.text("tls-cert"), input.text("tls-key")];
  const isBare = name === undefined && certificate === undefined && key === undefined;
  const hasFlag = input.flag("public") || input.flag("no-browser-certificates");
  if (target === undefined) {
    if (isBare && !hasFlag) return undefined;
    throw usageError(
      "--public, --name, --tls-cert, --tls-key and --no-browser-certificates are for an edge that other machines reach. Say where it listens for them, with --bind.",
    );
  }
  if ((certificate === undefined) !== (key === undefined))
    throw usageError("--tls-cert and --tls-key are given together: a certificate and its key.");
  const tlsFiles =
    certificate === undefined || key === undefined
      ? undefined
      : { certificate: resolve(certificate), key: resolve(key) };
  return {
    target,
    allowPublic: input.flag("public"),
    name,
    tlsFiles,
    browserCertificates: !input.flag("no-browser-certificates"),
    news,
  };
}

/** One thing that became of the address. */
export function bindSentence(news: BindNews): string {
  switch (news.state) {
    case "listening":
      return `Listens on ${news.address} now.`;
    case "lost":
      return `${news.address} is gone from this machine; nothing listens there until it is back.`;
    case "waiting":
      return `${news.target} is not up on this machine yet. It is listened on as soon as it is; this machine has ${news.seen.join(", ")}.`;
    case "refused":
      return `Does not listen on ${news.address}: ${news.why}`;
  }
}

/** Rows of the introduction. */
export function boundRows({ bound }: Edge): readonly (readonly [string, string])[] {
  if (bound === undefined) return [];
  const { dashboardOrigin, addresses } = bound;
  return [
    ...(dashboardOrigin === undefined ? [] : [["", `${dashboardOrigin} (daily operations)`] as const]),
    [
      "Listens on",
      addresses.length === 0 ? "loopback only, until the address is up" : ["loopback", ...addresses].join(", "),
    ],
  ];
}

/** What a person has to know or do once, so that browsers elsewhere get in. */
export function boundNotes(edge: Edge, command: string): readonly string[] {
  const { bound } = edge;
  if (bound === undefined) return [];
  if (bound.dashboardOrigin === undefined)
    return [
      "The dashboard is served on this machine only: passkeys need a name. To serve it there too, add --name.",
      "",
    ];
  const { authorityPath, browserCertificates } = bound;
  return [
    ...(authorityPath === undefined ? [] : [...trustLines(authorityPath, bound.name ?? ""), ""]),
    browserCertificates
      ? `Only browsers with a certificate of this edge get in there. Make one with: ${command} browser-certificate --label <name> --out <file>`
      : "Any browser that reaches the address gets the sign-in page: browser certificates are switched off.",
    "",
  ];
}

function trustLines(path: string, name: string): readonly string[] {
  return [
    `Browsers elsewhere have to trust this edge's authority once. It can vouch for ${name} and for no other name:`,
    `  ${path}`,
    "  Firefox: Settings, Privacy & Security, View Certificates, Authorities, Import.",
    '  Chromium on Linux: certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n "Clawhold" -i <file>; elsewhere: the system\'s store.',
  ];
}

/** Undefined when the workspace lists the address. A log that is not here yet is a new workspace's, which lists its signer. */
export async function unlistedAddress(edge: Edge, state: HostState): Promise<string | undefined> {
  const origin = edge.bound?.dashboardOrigin;
  const host = state.host();
  if (origin === undefined || host === undefined) return undefined;
  const held = await readHeldTrust({ path: state.files.trust, pin: { workspace: host.workspace } });
  if (held.state?.origins.some((listed) => listed.origin === origin) === true) return undefined;
  return `The workspace does not list ${origin} yet, so nobody can sign in there. Add it on the page Addresses: ${edge.signerOrigin}/addresses`;
}
