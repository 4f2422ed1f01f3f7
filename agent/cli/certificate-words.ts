/** What a person reads about this host's client certificate: until when it lasts, when it is renewed, and why it was not. */
import type { CertificateRefusal } from "../../protocol/tunnel.ts";
import type { AgentStatus } from "../host/status-file.ts";

const REFUSALS: Readonly<Record<CertificateRefusal, string>> = {
  not_admitted: "nobody has admitted this host yet. Admit it on the page",
  not_due: "the edge does not find it due yet. Compare the clocks of this host and of the edge",
  too_often: "this host asked too often. It asks again in an hour",
  repeated: "the edge has seen that key before. This host asks again with another one in an hour",
  request: "the edge could not read the request. Check that edge and host run the same version",
  quota:
    "Cloudflare issues no more certificates for this edge. Add a zone to its configuration, or remove hosts that are gone",
  authority: "the edge's certificate authority does not answer as agreed. The edge's log says more",
  ledger: "the edge cannot write its activity log. Look whether its disk is full",
};

export function certificateSentence(
  { certificateEnds, certificateRenews, certificateRefusal }: AgentStatus,
  timeOf: (seconds: number) => string,
): string {
  const ends = `until ${timeOf(certificateEnds)}`;
  if (certificateRefusal !== undefined)
    return `${ends}. It was to be renewed, and was not: ${REFUSALS[certificateRefusal]}.`;
  return certificateRenews === undefined ? ends : `${ends}, renewed from ${timeOf(certificateRenews)} on`;
}
