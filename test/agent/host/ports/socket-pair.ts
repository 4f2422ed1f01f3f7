/** Two ends of one unix socket. */
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export async function socketPair(): Promise<readonly [near: Socket, far: Socket]> {
  const directory = mkdtempSync(join(tmpdir(), "clawhold-pair-"));
  const path = join(directory, "s");
  const server = createServer();
  const arrived = new Promise<Socket>((resolve) => server.once("connection", resolve));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const far = connect(path);
  far.on("error", () => undefined); // the near end hangs up on purpose
  const near = await arrived;
  server.close();
  rmSync(directory, { recursive: true, force: true });
  return [near, far];
}

const HEADER_BYTES = 4;

/** A message as it is on the wire; `length` other than its own for a liar. */
export function framed(body: Uint8Array, length = body.length): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(length);
  return Buffer.concat([header, body]);
}

/** The bodies of whole messages. */
export function bodiesIn(bytes: Buffer): readonly Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at + HEADER_BYTES <= bytes.length;) {
    const end = at + HEADER_BYTES + bytes.readUInt32BE(at);
    if (end > bytes.length) break;
    found.push(bytes.subarray(at + HEADER_BYTES, end));
    at = end;
  }
  return found;
}
