/** The agents' door: join and tunnel. No cookie, no page; what counts is a token once, and a certificate ever after. */
import { Hono } from "hono";
import { rateLimitFields } from "../protocol/rates.ts";
import type { Deps } from "./deps.ts";
import { readBody, sourceAddress } from "./http/arrival.ts";
import { withSecurityHeaders } from "./http/headers.ts";
import { problem } from "./http/problems.ts";
import { joinHost } from "./join.ts";
import { answerProblem } from "./mount.ts";
import { openTunnel, requireClientTls, requireJoinedHost } from "./tunnel.ts";

export function agentApp(): Hono<{ Bindings: Deps }> {
  const app = new Hono<{ Bindings: Deps }>();
  // For `clawhold doctor`: says what the tunnel would say to this certificate, so that the two never disagree.
  app.get("/health", async (context) => {
    const { host } = await requireJoinedHost(context.req.raw, context.env);
    // Whose certificate it is: a machine that holds another one's finds out here.
    return withSecurityHeaders(Response.json({ ok: true, host: host.host }));
  });
  app.post("/join", async (context) => {
    const request = context.req.raw;
    requireClientTls(request);
    // Counted, and never banned for: a token has 256 bits, and a ban would shut the same address out of the dashboard.
    const standings = await context.env.rates.count("join", { sourceIp: sourceAddress(request) });
    const answer = await joinHost(await readBody(request), context.env);
    const headers = { ...rateLimitFields(standings), "content-type": "application/json" };
    return withSecurityHeaders(new Response(answer, { headers }));
  });
  app.get("/tunnel", (context) => openTunnel(context.req.raw, context.env));
  app.notFound(() => answerProblem(problem("not_found")));
  app.onError((error) => answerProblem(error));
  return app;
}
