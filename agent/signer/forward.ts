/**
 * Carries what a page asks to an edge somewhere else, and data back. The edge is hostile: it is told only what its API
 * needs, what it answers is judged before a byte of it goes on, no redirect is followed, and every wait and size has an
 * end. Who may ask was decided by the front; here only that the asker is our own page.
 */
import type { Agent, IncomingMessage, ServerResponse } from "node:http";
import type { Exchange, UpgradeExchange } from "../edge/forward.ts";
import { refuseBody } from "../edge/forward.ts";
import type { Problem } from "../edge/problem.ts";
import { sendProblem, sendRawProblem } from "../edge/problem.ts";
import { collectEarly, joinSockets, rawHead } from "../edge/raw-socket.ts";
import type { ApiDoor } from "../edge/web-front.ts";
import { agentFor, certificateProblem, dial, type Dialled } from "./dial.ts";
import { FORWARDED_HEADERS } from "./forwarded-headers.ts";
import { judgeAnswer } from "./incoming.ts";
import { outgoingHeaders, outgoingUpgradeHeaders } from "./outgoing.ts";
import { NOT_OUR_PAGE, sendSignerProblem, type SignerProblem } from "./problem.ts";

/** 500 rows of the activity log with their receipts are 4 MB; a page of trust statements at its limits, less. */
export const MAX_ANSWER_BYTES = 8_388_608;
export interface EdgeDoorOptions extends Dialled {
  /** Of the service token, where one is used. */
  readonly access: readonly string[];
  /** The signer's own, known once it is taken. */
  readonly port: () => number;
}

export interface EdgeDoor extends ApiDoor {
  close(): void;
}

const UNREACHABLE: Problem = {
  status: 502,
  code: "edge_unreachable",
  detail: "The edge does not answer. Check this machine's network, or the tunnel to the edge.",
};
const NO_SOCKET: Problem = {
  status: 502,
  code: "socket_refused",
  detail: "The edge did not open this socket. The page tries again by itself.",
};

export function edgeDoor(options: EdgeDoorOptions): EdgeDoor {
  const agent = agentFor(options);
  return {
    request: (exchange) => forwardRequest(options, agent, exchange),
    upgrade: (exchange) => forwardUpgrade(options, exchange),
    close: () => agent.destroy(),
  };
}

function forwardRequest(options: EdgeDoorOptions, agent: Agent, { request, response }: Exchange): void {
  const refusal = refuseForeign(request, options.port()) ?? refuseBody(request);
  if (refusal !== undefined) return sendProblem(response, refusal);
  const outgoing = dial(options, {
    agent,
    method: request.method,
    path: request.url,
    headers: outgoingHeaders(request, { host: options.edge.host, port: options.port(), access: options.access }),
  });
  outgoing.on("timeout", () => outgoing.destroy());
  outgoing.on("response", (incoming) => {
    relay(incoming, response, options.port()).catch(() => fail(response, undefined));
  });
  // What was sent may have arrived: the page has words for a lost answer and asks again by itself.
  outgoing.on("error", (error) => fail(response, certificateProblem(error)));
  response.on("close", () => {
    if (!response.writableFinished) outgoing.destroy();
  });
  request.on("error", () => outgoing.destroy());
  request.pipe(outgoing);
}

/** Our page and nobody else's: a site elsewhere must not send requests with this machine's service token. */
function refuseForeign({ headers }: IncomingMessage, port: number): Problem | undefined {
  const site = headers["sec-fetch-site"];
  const isOurs =
    (site === undefined || site === "same-origin") &&
    (headers.origin === undefined || headers.origin === originAt(headers.host, port));
  return isOurs ? undefined : NOT_OUR_PAGE;
}

/** The front has compared Host with its own name already. */
function originAt(host: string | undefined, port: number): string {
  return `http://${host ?? `clawhold.localhost:${port}`}`;
}

/** Read whole before anything is said: what is too long, or ends too early, has not been half believed then. */
async function relay(incoming: IncomingMessage, response: ServerResponse, port: number): Promise<void> {
  const judged = judgeAnswer({ status: incoming.statusCode ?? 0, headers: incoming.headers }, port);
  if (judged.kind === "problem") {
    incoming.destroy();
    return fail(response, judged.code);
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    size += (chunk as Uint8Array).length;
    if (size > MAX_ANSWER_BYTES) {
      incoming.destroy();
      return fail(response, "answer_too_large");
    }
    chunks.push(chunk as Uint8Array);
  }
  response.sendDate = false; // the page takes it for the edge's time; this machine's may be wrong
  response.writeHead(judged.status, [...judged.headers, "content-length", String(size)]);
  response.end(Buffer.concat(chunks));
}

function fail(response: ServerResponse, code: SignerProblem | undefined): void {
  if (response.headersSent || response.destroyed) response.destroy();
  else if (code === undefined) sendProblem(response, UNREACHABLE);
  else sendSignerProblem(response, code);
}

function forwardUpgrade(options: EdgeDoorOptions, { request, socket, head }: UpgradeExchange): void {
  const port = options.port();
  // Browsers send Origin with every handshake and often nothing else that tells pages apart.
  if (request.headers.origin === undefined || refuseForeign(request, port) !== undefined)
    return sendRawProblem(socket, NOT_OUR_PAGE);
  const outgoing = dial(options, {
    agent: false,
    method: "GET",
    path: request.url,
    headers: outgoingUpgradeHeaders(request, { host: options.edge.host, port, access: options.access }),
  });
  let isJoined = false;
  const early = collectEarly(socket, head);
  const refuse = (): void => {
    outgoing.destroy();
    if (isJoined) socket.destroy();
    else sendRawProblem(socket, NO_SOCKET);
  };
  socket.on("error", () => socket.destroy());
  socket.on("close", () => outgoing.destroy());
  outgoing.on("timeout", refuse);
  outgoing.on("error", refuse);
  outgoing.on("response", refuse);
  outgoing.on("upgrade", (incoming, edgeSocket, edgeHead) => {
    isJoined = true;
    socket.write(upgradeHead(incoming));
    if (edgeHead.length > 0) socket.write(edgeHead);
    for (const chunk of early.stop()) edgeSocket.write(chunk);
    joinSockets(socket, edgeSocket);
  });
  outgoing.end();
}

/** The two words of the handshake that the browser checks; a cookie or anything else beside them stays outside. */
function upgradeHead({ headers }: IncomingMessage): string {
  const words = ["sec-websocket-accept", "sec-websocket-protocol"].flatMap((name) => {
    const value = headers[name];
    return typeof value === "string" ? [name, value] : [];
  });
  const ours = Object.entries(FORWARDED_HEADERS).flat();
  return rawHead(101, [...ours, ...words, "connection", "Upgrade", "upgrade", "websocket"]);
}
