/**
 * The one address at which a signer's page and its machine talk: what is remembered, and what the page has verified since.
 * Never forwarded, and for the page of this very origin alone: a site that the person happens to visit, or a program's
 * page on another port of this name, must neither read the pin nor move the head.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import * as v from "valibot";
import { MEMORY_HEADER, MEMORY_PATH, seenSchema, type Seen, type SignerMemory } from "../../protocol/signer-memory.ts";
import { PRIVATE_HEADERS } from "../edge/headers.ts";
import { sendProblem, type Problem } from "../edge/problem.ts";
import type { OwnDoor } from "../edge/web-front.ts";
import { NOT_OUR_PAGE } from "./problem.ts";
import { SignerError } from "./signer-error.ts";
import type { Memory } from "./memory.ts";

export interface MemoryDoorOptions {
  readonly memory: Memory;
  /** The pin; undefined while this machine has none. */
  readonly workspace: () => string | undefined;
  /** Takes a pin where there is none, from the page that made the root. Absent: a pin is typed, or the edge's machine's. */
  readonly onFounded?: (workspace: string) => Promise<void>;
  /** Where requests are forwarded to; undefined where the edge runs in this program. */
  readonly edge: string | undefined;
  /** A head that does not follow was shown by the edge, or brought by an older page. */
  readonly onConflict: (path: string) => void;
  /** A fault of this machine's, told to the log and not to the page. */
  readonly onFault: (detail: string) => void;
}

/** A workspace id and a head are under 300 bytes. */
const MAX_SEEN_BYTES = 1_024;

export function memoryDoor(options: MemoryDoorOptions): OwnDoor {
  return {
    path: MEMORY_PATH,
    answer: ({ request, response }) => {
      answer(options, request, response).catch((error: unknown) => {
        options.onFault(error instanceof SignerError ? error.message : String(error));
        if (response.headersSent) response.destroy();
        else sendProblem(response, FAULT);
      });
    },
  };
}

async function answer(options: MemoryDoorOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const refusal = refuse(request);
  if (refusal !== undefined) return sendProblem(response, refusal);
  const workspace = options.workspace();
  if (request.method === "GET") return send(response, recall(options, workspace));
  const seen = await readSeen(request);
  if (seen === undefined) return sendProblem(response, MALFORMED);
  if (workspace === undefined && isRoot(seen)) await options.onFounded?.(seen.workspace);
  const pinned = options.workspace();
  if (pinned === undefined || seen.workspace !== pinned) return sendProblem(response, OTHER_WORKSPACE);
  const result = await options.memory.advance(pinned, seen.head);
  if (result === "kept" || result === "moved") return send(response, recall(options, pinned));
  options.onConflict(options.memory.pathOf(pinned));
  sendProblem(response, CONFLICT);
}

/** The id of a workspace is the hash of its root: nothing that came later can be a first pin. */
function isRoot({ workspace, head }: Seen): boolean {
  return head.n === 0 && head.hash === workspace;
}

function recall({ memory, edge }: MemoryDoorOptions, workspace: string | undefined): SignerMemory {
  const where = edge === undefined ? {} : { edge };
  if (workspace === undefined) return where;
  const head = memory.read(workspace)?.head;
  return { workspace, ...where, ...(head === undefined ? {} : { head }) };
}

/** Exact origin, or on a GET none, as browsers have it; and our own header, which another site may not send. */
function refuse(request: IncomingMessage): Problem | undefined {
  const { method, headers } = request;
  if (method !== "GET" && method !== "POST") return METHOD;
  const site = headers["sec-fetch-site"];
  const isOurs =
    headers[MEMORY_HEADER] === "1" &&
    (site === undefined || site === "same-origin") &&
    (headers.origin === `http://${headers.host}` || (headers.origin === undefined && method === "GET"));
  if (!isOurs) return NOT_OUR_PAGE;
  const length = Number(headers["content-length"] ?? Number.NaN);
  if (method === "POST" && !(length > 0 && length <= MAX_SEEN_BYTES)) return MALFORMED;
  return undefined;
}

async function readSeen(request: IncomingMessage): Promise<Seen | undefined> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  try {
    const seen = v.safeParse(seenSchema, JSON.parse(Buffer.concat(chunks).toString("utf8")));
    return seen.success ? seen.output : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function send(response: ServerResponse, body: SignerMemory): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(200, {
    ...PRIVATE_HEADERS,
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(text)),
  });
  response.end(text);
}

const METHOD: Problem = { status: 405, code: "method_not_allowed", detail: "This method is not used here." };
const MALFORMED: Problem = {
  status: 400,
  code: "malformed_request",
  detail: "The signer could not read what the page brought. Reload the page.",
};
const OTHER_WORKSPACE: Problem = {
  status: 409,
  code: "other_workspace",
  detail: "This signer was started for another workspace. Open the address that clawhold shows in its terminal.",
};
const CONFLICT: Problem = {
  status: 409,
  code: "older_history",
  detail: "This machine has seen a newer or another history of the workspace. Reload the page and approve nothing.",
};
const FAULT: Problem = {
  status: 500,
  code: "memory_fault",
  detail: "What this machine remembers could not be read or written. The terminal of the signer says why.",
};
