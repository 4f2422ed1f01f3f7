/** The agents' door: join and tunnel. No cookie, no page; what counts is a token once, and a certificate ever after. */
import { Hono } from "hono";
import type { Deps } from "./deps.ts";
import { readBody } from "./http/arrival.ts";
import { withSecurityHeaders } from "./http/headers.ts";
import { problem } from "./http/problems.ts";
import { joinHost } from "./join.ts";
import { answerProblem } from "./mount.ts";
import { openTunnel, requireJoinedHost } from "./tunnel.ts";

export function agentApp(): Hono<{ Bindings: Deps }> {
  const app = new Hono<{ Bindings: Deps }>();
  // For `clawhold doctor`: says what the tunnel would say to this certificate, so that the two never disagree.
  app.get("/health", async (context) => {
    await requireJoinedHost(context.req.raw, context.env);
    return withSecurityHeaders(Response.json({ ok: true }));
  });
  app.post("/join", async (context) => {
    const request = context.req.raw;
    const answer = await joinHost(await readBody(request), context.env);
    return withSecurityHeaders(new Response(answer, { headers: { "content-type": "application/json" } }));
  });
  app.get("/tunnel", (context) => openTunnel(context.req.raw, context.env));
  app.notFound(() => answerProblem(problem("not_found")));
  app.onError((error) => answerProblem(error));
  return app;
}
