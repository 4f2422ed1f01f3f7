/** The one request of joining: over TLS that is verified against the pinned authority, with the token in its body. */
import { request } from "node:https";
import { joinAnswerCodec, type JoinAnswer } from "../../../protocol/tunnel.ts";
import { MalformedError } from "../../../protocol/canonical.ts";
import { utf8 } from "../../../protocol/bytes.ts";
import { systemCode } from "../../shared/edge-error.ts";
import { HostError, type HostErrorCode } from "../host-error.ts";
import { EdgeAgent } from "./dial.ts";
import type { Endpoint } from "./endpoint.ts";
import { explainNetwork } from "./explain.ts";
import type { Environment } from "./proxy.ts";

export interface JoinPost {
  readonly endpoint: Endpoint;
  /** PEM; undefined where the edge has a certificate of a public authority. */
  readonly authority: string | undefined;
  /** Names the HTTP proxy, if there is one. */
  readonly environment: Environment;
  /** Canonical bytes of the request. Holds the token: never logged. */
  readonly body: Uint8Array;
}

const ANSWER_MILLISECONDS = 20_000;
const MAX_ANSWER_CHARACTERS = 16_384;

interface RawAnswer {
  readonly status: number;
  readonly text: string;
}

export async function postJoin(post: JoinPost): Promise<JoinAnswer> {
  const answer = await exchange(post);
  if (answer.status !== 200) throw refusal(answer);
  try {
    return joinAnswerCodec.decode(utf8(answer.text));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new HostError(
      "join_refused",
      "The edge's answer to joining is not well formed. Check that edge and host run the same version.",
    );
  }
}

function exchange({ endpoint, authority, environment, body }: JoinPost): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: endpoint.hostname,
      port: endpoint.port,
      agent: new EdgeAgent({ endpoint, environment, tls: authority === undefined ? {} : { ca: authority } }),
      method: "POST",
      path: "/join",
      timeout: ANSWER_MILLISECONDS,
      headers: { "content-type": "application/json", "content-length": String(body.length) },
    });
    outgoing.on("error", (error: Error) => reject(transportError(systemCode(error) ?? "protocol")));
    outgoing.on("timeout", () => outgoing.destroy(Object.assign(new Error("timeout"), { code: "ETIMEDOUT" })));
    outgoing.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
        if (text.length > MAX_ANSWER_CHARACTERS) outgoing.destroy(new Error("answer too long"));
      });
      response.on("error", (error: Error) => reject(transportError(systemCode(error) ?? "protocol")));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    outgoing.end(body);
  });
}

const CLOCK_CODES = new Set(["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"]);
const CERTIFICATE_CODES = new Set([
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "CERT_SIGNATURE_FAILURE",
]);

function transportError(code: string): HostError {
  const kind: HostErrorCode = CLOCK_CODES.has(code)
    ? "clock"
    : CERTIFICATE_CODES.has(code)
      ? "edge_certificate"
      : "edge_unreachable";
  return new HostError(kind, explainNetwork(code));
}

/** The edge's codes at joining; its prose is never shown. */
const REFUSALS: Readonly<Record<string, readonly [HostErrorCode, string]>> = {
  join_token_wrong: ["join_token", "The edge does not know this join token. Get a fresh join file and join again."],
  join_token_used: [
    "join_token",
    "This join token was used already; each is good for one host. Get a fresh join file and join again.",
  ],
  join_token_expired: [
    "join_token",
    "This join token has ended; it lasts 15 minutes. Get a fresh join file and join again.",
  ],
  join_refused: [
    "join_refused",
    "The edge could not verify what this host sent. Check that edge and host run the same version, then join again with a fresh join file.",
  ],
  join_workspace: [
    "join_refused",
    "The join file is for another workspace than this edge serves. Get a fresh join file from whoever runs this edge.",
  ],
  host_removed: [
    "join_refused",
    "An administrator removed this host from the workspace for good. To use the machine again as a new host, type clawhold trust reset, then join it anew.",
  ],
  ledger_unavailable: [
    "join_refused",
    "The edge could not record this join, so nothing was done and the join file is still good. Look whether the edge's disk is full, then join again.",
  ],
  storage_full: [
    "join_refused",
    "The edge's disk is full, so nothing was done and the join file is still good. Free some space there, then join again.",
  ],
  certificate_unavailable: [
    "join_refused",
    "The edge's address takes no client certificates (names under workers.dev never do), so no host can join there. Give the edge a hostname of a zone, then join with a fresh join file.",
  ],
  certificate_quota: [
    "join_refused",
    "Cloudflare issues no more client certificates for this edge, so nothing was done and the join file is still good. Add a zone to the edge's configuration, then join again.",
  ],
  certificate_authority: [
    "join_refused",
    "The edge's certificate authority did not answer as agreed, so nothing was done and the join file is still good. Try again; if it stays so, the edge's log says why.",
  ],
  edge_restarting: [
    "edge_unreachable",
    "The edge is starting, so it could not answer. Wait a moment, then join again.",
  ],
  network_refused: [
    "join_refused",
    "The edge lets no hosts in from this host's network. If that is a mistake, an administrator takes it off the list in the dashboard (People, Networks, No hosts from); the join file is still good.",
  ],
  address_banned: [
    "join_refused",
    "Too many attempts from this host's address failed, so the edge turns it away for a while. An administrator can end that in the dashboard (People, Networks); the join file is still good.",
  ],
  too_many: ["join_refused", "Too many attempts to join in one minute. Wait a minute, then join again."],
  too_many_joins: ["join_refused", "Too many attempts to join in one minute. Wait a minute, then join again."],
};

function refusal({ status, text }: RawAnswer): HostError {
  const code = /"code":\s*"([a-z][a-z0-9_.]{0,48})"/.exec(text)?.[1] ?? "unknown";
  const known = REFUSALS[code];
  if (known !== undefined) return new HostError(known[0], known[1]);
  return new HostError(
    "join_refused",
    `The edge refused to let this host join (${String(status)} ${code}). Its log says why.`,
  );
}
