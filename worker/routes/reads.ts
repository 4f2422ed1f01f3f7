/**
 * Questions about a host's gateway: judged early by the rules that the host asks again, handed on, and the sealed answer
 * handed back. The edge sees who asks for what kind of thing, and how large the answer is.
 */
import { edgeSeconds } from "../../durable-objects/clock.ts";
import { assertedCodec } from "../../protocol/messages.ts";
import { readCodec, type ReadRefusal } from "../../protocol/reading.ts";
import { fromBase64url } from "../../protocol/bytes.ts";
import type { RefusalCode } from "../../protocol/refusals.ts";
import { verifyReadAtEdge } from "../../protocol/verify/read.ts";
import { commandProblem, hostRefusalProblem, problem, type ProblemError } from "../http/problems.ts";
import type { Handler } from "../mount.ts";
import { requireVisible } from "./hosts.ts";

export const hostRead: Handler<"hostRead"> = async ({ authority, params, body, deps, later }) => {
  const { workspace, trust, certificate, session } = authority;
  const host = requireVisible(authority, params["host"]);
  const { read, successor } = body;
  const asked = { signed: read, session: assertedCodec.decode(fromBase64url(certificate)), successor };
  const verdict = await verifyReadAtEdge(asked, { trust, now: edgeSeconds(), host, isSessionEnded: () => false });
  if (verdict.kind !== "verified") {
    const code = verdict.kind === "refused" ? verdict.code : refusalOf(verdict.code);
    later(deps.countRefusal(workspace, { code, host, session }));
    throw commandProblem(code);
  }
  if (readCodec.decode(fromBase64url(read.body)).session !== session) throw commandProblem("session_key");
  if (trust.removedHosts.has(host)) throw problem("host_removed");
  if (!trust.hosts.has(host)) throw problem("host_quarantined");
  const call = { digest: verdict.read.digest, read, certificate, ...(successor === undefined ? {} : { successor }) };
  const answer = await deps.host(workspace, host).read({ workspace, host }, call);
  if (answer.kind !== "parts") throw unanswered(answer);
  return { body: { parts: [...answer.parts] } };
};

/** The words of a command's rules; the host's own come signed, in a part. */
function refusalOf(code: ReadRefusal): RefusalCode {
  return code === "role" || code === "host_scope" || code === "operation" ? code : "malformed";
}

type Unanswered =
  | { readonly kind: "refused"; readonly code: RefusalCode }
  | { readonly kind: "offline" }
  | { readonly kind: "silent" };

function unanswered(answer: Unanswered): ProblemError {
  if (answer.kind === "refused") return hostRefusalProblem(answer.code);
  return problem(answer.kind === "offline" ? "host_offline" : "host_silent");
}
