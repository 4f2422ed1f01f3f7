/**
 * The door of the running agent: a unix socket in its private directory, for the commands of this machine. Whoever comes
 * in is the agent's own user or root, and still gains nothing by it: statements prove themselves here as on the tunnel,
 * a reset only ever takes obedience away, and what the witness forgets is told to everybody. One request a line, one answer a line.
 */
import { chmodSync, closeSync, openSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { basename, dirname } from "node:path";
import * as v from "valibot";
import { codec, count, digest } from "../../protocol/fields.ts";
import { utf8Text } from "../../protocol/bytes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import { MAX_FRAME_BYTES } from "../../protocol/limits.ts";
import { trustPageSchema } from "../../protocol/trust/statements.ts";
import { systemCode } from "../shared/edge-error.ts";

const requestSchema = v.variant("kind", [
  v.strictObject({ kind: v.literal("trust"), page: trustPageSchema }),
  v.strictObject({ kind: v.literal("reset"), workspace: digest }),
  /** What this host has seen of the activity log. */
  v.strictObject({ kind: v.literal("forget"), workspace: digest }),
]);
export type DoorRequest = v.InferOutput<typeof requestSchema>;
const requestCodec = codec(requestSchema);

const refusalText = v.pipe(v.string(), v.regex(/^[a-z_]{1,32}$/));
const answerSchema = v.variant("kind", [
  v.strictObject({
    kind: v.literal("taken"),
    added: count,
    refusal: v.optional(refusalText),
    passedOver: v.optional(refusalText),
  }),
  /** The host is marked and obeys nobody any more; the rest follows. */
  v.strictObject({ kind: v.literal("resetting") }),
  v.strictObject({ kind: v.literal("forgotten") }),
  v.strictObject({ kind: v.literal("refused"), code: v.picklist(["malformed", "workspace", "disk"]) }),
]);
export type DoorAnswer = v.InferOutput<typeof answerSchema>;
const answerCodec = codec(answerSchema);

export type Answerer = (request: DoorRequest) => Promise<DoorAnswer>;

/** A program of this machine sends at once or not at all. */
const IDLE_MILLISECONDS = 30_000;
const LAST_ANSWER_MILLISECONDS = 500;
const MAX_CONNECTIONS = 4;
const NEWLINE = 0x0a;

/** Opens the door; what a crashed agent left in its place is removed. The caller holds the lock. */
export async function openDoor(path: string, answer: Answerer): Promise<() => Promise<void>> {
  rmSync(path, { force: true });
  const { server, leave } = doorServer(answer);
  const fd = openSync(dirname(path), "r");
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(shortPath(fd, path), resolve);
    });
    chmodSync(path, 0o600);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return async () => {
    await leave();
    closeSync(fd);
    rmSync(path, { force: true });
  };
}

/** A door that a service manager holds open: `fd` is its listening socket, which stays when we leave. */
export async function openDoorAt(fd: number, answer: Answerer): Promise<() => Promise<void>> {
  const { server, leave } = doorServer(answer);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ fd }, resolve);
  });
  return leave;
}

function doorServer(answer: Answerer): { readonly server: Server; readonly leave: () => Promise<void> } {
  const inside = new Set<Socket>();
  const server = createServer((socket) => {
    inside.add(socket);
    socket.on("close", () => inside.delete(socket));
    serve(socket, answer);
  });
  server.maxConnections = MAX_CONNECTIONS;
  const leave = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of inside) showOut(socket);
    });
  return { server, leave };
}

/** The last answer still leaves; nobody stays. */
function showOut(socket: Socket): void {
  socket.end();
  setTimeout(() => socket.destroy(), LAST_ANSWER_MILLISECONDS).unref();
}

/** A socket's address holds 107 bytes; through the descriptor of its directory any path is short. */
function shortPath(fd: number, path: string): string {
  return `/proc/self/fd/${String(fd)}/${basename(path)}`;
}

function serve(socket: Socket, answer: Answerer): void {
  socket.setTimeout(IDLE_MILLISECONDS, () => socket.destroy());
  socket.on("error", () => socket.destroy()); // whoever asked is gone
  let lane: Promise<void> = Promise.resolve();
  readLines(socket, (line) => {
    lane = lane.then(async () => {
      const request = decoded(() => requestCodec.decode(line));
      const answered: DoorAnswer =
        request === undefined ? { kind: "refused", code: "malformed" } : await answer(request);
      if (socket.writable) socket.write(`${utf8Text(answerCodec.encode(answered))}\n`);
    });
    lane.catch(() => socket.destroy()); // whoever answers has told of its fault
  });
}

/** Calls back for each whole line; a longer one than any honest request ends the connection. */
function readLines(socket: Socket, onLine: (line: Uint8Array) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
      onLine(rest.subarray(0, end));
      rest = rest.subarray(end + 1);
    }
    if (rest.length > MAX_FRAME_BYTES) socket.destroy();
  });
}

/**
 * Asks the running agent, one request after the other; undefined when there is none behind the door, or it went away
 * without an answer.
 */
export async function askAtDoor(
  path: string,
  requests: readonly DoorRequest[],
): Promise<readonly DoorAnswer[] | undefined> {
  const fd = openSync(dirname(path), "r");
  try {
    const socket = await connected(shortPath(fd, path));
    if (socket === undefined) return undefined;
    const answers = await converse(socket, requests);
    socket.destroy();
    return answers;
  } finally {
    closeSync(fd);
  }
}

function connected(path: string): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => resolve(socket));
    socket.once("error", (error) => {
      const code = systemCode(error);
      if (code === "ENOENT" || code === "ECONNREFUSED") resolve(undefined);
      else reject(error);
    });
  });
}

function converse(socket: Socket, requests: readonly DoorRequest[]): Promise<readonly DoorAnswer[] | undefined> {
  return new Promise((resolve) => {
    const answers: DoorAnswer[] = [];
    const next = (): void => {
      const request = requests[answers.length];
      if (request === undefined) return resolve(answers);
      socket.write(`${utf8Text(requestCodec.encode(request))}\n`);
    };
    readLines(socket, (line) => {
      const answer = decoded(() => answerCodec.decode(line));
      if (answer === undefined) return resolve(undefined);
      answers.push(answer);
      next();
    });
    socket.setTimeout(IDLE_MILLISECONDS, () => socket.destroy());
    socket.on("error", () => resolve(undefined));
    socket.on("close", () => resolve(undefined));
    next();
  });
}

function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
