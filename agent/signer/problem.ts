/**
 * What a signer says in the edge's place, as problem details that the page shows: one sentence and the next step. An
 * edge that cannot be reached is no such problem: the page has its own words for that and goes on trying.
 */
import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { Problem as PageProblem } from "../../protocol/contracts.ts";
import { toBase64url } from "../../protocol/bytes.ts";
import type { Problem } from "../edge/problem.ts";
import { FORWARDED_HEADERS } from "./forwarded-headers.ts";

export const SIGNER_PROBLEMS = {
  access_refused:
    "Cloudflare Access did not let this machine through. Start clawhold ui again with --access-token-file and a service token that is allowed there.",
  edge_certificate:
    "The certificate of the edge is not one that this machine accepts, so nothing was sent. Check the address; for an authority of your own, start clawhold ui with --ca.",
  edge_name:
    "The edge answers to another name only. If it is a tunnel to clawhold up, start clawhold ui with --edge-name and the name and port that clawhold up shows.",
  edge_redirected:
    "The edge sent this request elsewhere, and a signer follows nobody. Start clawhold ui with the address where the edge itself answers.",
  edge_foreign:
    "What answers at this address is not the control plane. Check the address that clawhold ui was started with.",
  answer_too_large:
    "The answer of the edge is larger than any that this page asks for, so it was not read. Update clawhold on this machine, or look at the edge.",
} as const;
export type SignerProblem = keyof typeof SIGNER_PROBLEMS;

/** To whoever is not the dashboard's page of this very origin, at whichever door. */
export const NOT_OUR_PAGE: Problem = {
  status: 403,
  code: "not_our_page",
  detail: "This address answers the dashboard's own page only. Open the dashboard itself.",
};

/** 502: what stands behind us did not answer as it should. */
const STATUS = 502;
const ID_BYTES = 12;

export function sendSignerProblem(response: ServerResponse, code: SignerProblem): void {
  const id = toBase64url(randomBytes(ID_BYTES));
  const body: PageProblem = { type: "about:blank", title: SIGNER_PROBLEMS[code], status: STATUS, code, id };
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(STATUS, {
    ...FORWARDED_HEADERS,
    "content-type": "application/problem+json",
    "content-length": String(Buffer.byteLength(text)),
  });
  response.end(text);
}
