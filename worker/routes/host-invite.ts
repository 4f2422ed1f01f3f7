/**
 * A token for a join file that a signer makes: for edges that run on no machine of the owner's, where nobody can type
 * `clawhold host invite`. The workspace in the file is the signer's own pin, never a word of ours.
 */
import { requireEdgeAction } from "../access/edge-action.ts";
import { problem } from "../http/problems.ts";
import { makeJoinToken } from "../join-token.ts";
import type { Handler } from "../mount.ts";

export const hostInvite: Handler<"hostInvite"> = async ({ authority, body, arrival, deps }) => {
  const { workspace, person, session } = authority;
  const { agentEndpoint, signerOrigin } = deps;
  // An edge on somebody's machine has an authority of its own, which the file must name and a page must not be told by us.
  if (signerOrigin !== undefined) throw problem("invite_elsewhere");
  if (agentEndpoint === undefined) throw problem("no_agent_endpoint");
  await requireEdgeAction(authority, body, {
    rule: { endpoint: "hostInvite", permission: "host.admit" },
    deps,
    arrival,
  });
  const { sourceIp } = arrival;
  const { token, expires } = await makeJoinToken(deps, workspace, {
    actor: { kind: "person", id: person },
    detail: { session },
    ...(sourceIp === undefined ? {} : { sourceIp }),
  });
  return { body: { edge: agentEndpoint, token, expires } };
};
