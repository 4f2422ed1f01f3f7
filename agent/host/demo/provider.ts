/**
 * A model provider for the demo, on loopback: it speaks enough of the chat-completions format that a gateway gets
 * replies with token counts, and so has sessions, tokens and cost to show. It keeps nothing of what it is sent, reaches
 * no network, and asks for no tool.
 */
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A first prompt is about 80 KB with its tools. */
const MAX_REQUEST_BYTES = 8_388_608;
/** Roughly true of English text, and good enough for a figure in a demo. */
const BYTES_PER_TOKEN = 4;
const STREAM = /"stream"\s*:\s*true/;
/** A match may lie across two parts. */
const STREAM_LOOK_CHARACTERS = 32;
const REPLY = "All quiet. Nothing needs your attention right now.";
export const DEMO_MODEL = "demo-1";

export interface DemoProvider {
  readonly baseUrl: string;
  close(): Promise<void>;
}

/** `key` is what the gateway must present: other users of the machine have no business here. */
export async function startProvider(key: string): Promise<DemoProvider> {
  const server = createServer((request, response) => {
    answer(request, response, key).catch(() => response.destroy());
  });
  server.requestTimeout = 30_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port: 0, host: "127.0.0.1" }, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return { baseUrl: `http://127.0.0.1:${String(port)}/v1`, close: () => closeServer(server) };
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function answer(request: IncomingMessage, response: ServerResponse, key: string): Promise<void> {
  if (request.headers.authorization !== `Bearer ${key}`)
    return sendJson(response, 401, { error: { message: "wrong key" } });
  if (request.method === "GET" && request.url === "/v1/models") {
    return sendJson(response, 200, { object: "list", data: [{ id: DEMO_MODEL, object: "model" }] });
  }
  if (request.method !== "POST" || request.url !== "/v1/chat/completions")
    return sendJson(response, 404, { error: { message: "no such route" } });
  let size = 0;
  let wantsStream = false;
  let before = "";
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.byteLength;
    if (size > MAX_REQUEST_BYTES) return sendJson(response, 413, { error: { message: "too large" } });
    // Looked at and let go: the body is never kept as a whole.
    const seen = before + part.toString("latin1");
    wantsStream ||= STREAM.test(seen);
    before = seen.slice(-STREAM_LOOK_CHARACTERS);
  }
  reply(response, size, wantsStream);
}

function reply(response: ServerResponse, requestBytes: number, wantsStream: boolean): void {
  const prompt = Math.max(1, Math.ceil(requestBytes / BYTES_PER_TOKEN));
  const cached = Math.floor(prompt / 2);
  const completion = Math.ceil(REPLY.length / BYTES_PER_TOKEN);
  const usage = {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached },
  };
  const base = { id: "demo", created: Math.floor(Date.now() / 1_000), model: DEMO_MODEL };
  if (!wantsStream) {
    const choices = [{ index: 0, message: { role: "assistant", content: REPLY }, finish_reason: "stop" }];
    return sendJson(response, 200, { ...base, object: "chat.completion", choices, usage });
  }
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  const send = (event: object): void => {
    response.write(`data: ${JSON.stringify({ ...base, object: "chat.completion.chunk", ...event })}\n\n`);
  };
  send({ choices: [{ index: 0, delta: { role: "assistant", content: REPLY }, finish_reason: null }] });
  send({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
  send({ choices: [], usage });
  response.end("data: [DONE]\n\n");
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
