/**
 * Asks the edge once whether it is there, so that the terminal can say at the start what a page would say later. Changes
 * nothing and decides nothing: an edge that is silent now may answer in a minute.
 */
import { dial, certificateProblem, type Dialled } from "./dial.ts";
import { endpoints } from "../../protocol/contracts.ts";
import { judgeAnswer } from "./incoming.ts";
import type { SignerProblem } from "./problem.ts";

export type Probe =
  | { readonly state: "ok" }
  | { readonly state: "unreachable" }
  | { readonly state: "problem"; readonly code: SignerProblem };

const PATIENCE_MILLISECONDS = 10_000;

/** `access`: names and values of the service token's headers. */
export function probeEdge(edge: Dialled, access: readonly string[]): Promise<Probe> {
  return new Promise((resolve) => {
    const request = dial(edge, {
      agent: false,
      method: "GET",
      path: endpoints.health.path,
      timeout: PATIENCE_MILLISECONDS,
      headers: ["host", edge.edge.host, "user-agent", "clawhold-ui", "accept", "application/json", ...access],
    });
    request.on("timeout", () => request.destroy());
    request.on("response", (answer) => {
      const judged = judgeAnswer({ status: answer.statusCode ?? 0, headers: answer.headers }, 0);
      answer.destroy();
      if (judged.kind === "problem") resolve({ state: "problem", code: judged.code });
      else resolve({ state: judged.status === 200 ? "ok" : "unreachable" });
    });
    request.on("error", (error) => {
      const code = certificateProblem(error);
      resolve(code === undefined ? { state: "unreachable" } : { state: "problem", code });
    });
    request.end();
  });
}
