/**
 * Finds the edge's own certificate authority by the fingerprint in a join file. The first connection proves nothing and
 * carries nothing: it only reads the certificates on offer. What is sent later goes over a connection that was verified
 * against the authority found here.
 */
import { X509Certificate } from "node:crypto";
import type { DetailedPeerCertificate } from "node:tls";
import { systemCode } from "../../shared/edge-error.ts";
import { HostError } from "../host-error.ts";
import { dial } from "./dial.ts";
import type { Endpoint } from "./endpoint.ts";
import { explainNetwork } from "./explain.ts";
import type { Environment } from "./proxy.ts";

/** Leaf, authority and a possible intermediate; more is no chain of ours. */
const MAX_CHAIN = 4;

/** PEM of the authority whose SHA-256 fingerprint (lower-case hex) is `fingerprint`. */
export async function findEdgeAuthority(
  endpoint: Endpoint,
  fingerprint: string,
  environment: Environment,
): Promise<string> {
  const chain = await readChain(endpoint, environment);
  const authority = chain.find((certificate) => certificate.ca && hexFingerprint(certificate) === fingerprint);
  if (authority !== undefined) return authority.toString();
  throw new HostError(
    "edge_fingerprint",
    `The server at ${endpoint.hostname}:${String(endpoint.port)} does not show the certificate authority that the join file names, so nothing was sent to it. Check the address, or get a fresh join file from whoever runs the edge.`,
  );
}

async function readChain(endpoint: Endpoint, environment: Environment): Promise<readonly X509Certificate[]> {
  try {
    // Nothing is believed and nothing is sent on this connection.
    const socket = await dial({
      endpoint,
      environment,
      tls: { rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] },
    });
    const chain = listChain(socket.getPeerCertificate(true));
    socket.destroy();
    return chain;
  } catch (error) {
    throw new HostError("edge_unreachable", explainNetwork(systemCode(error) ?? "protocol"));
  }
}

function listChain(leaf: DetailedPeerCertificate): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  let current: DetailedPeerCertificate | undefined = leaf;
  while (current?.raw !== undefined && chain.length < MAX_CHAIN) {
    chain.push(new X509Certificate(current.raw));
    const issuer: DetailedPeerCertificate | undefined = current.issuerCertificate;
    current = issuer === current || issuer?.raw.equals(current.raw) === true ? undefined : issuer;
  }
  return chain;
}

export function hexFingerprint(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(":", "").toLowerCase();
}
