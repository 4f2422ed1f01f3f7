/**
 * A process of its own at either end of a line under test: `serve` says who connects and gives every byte back; `dial`
 * sends so many bytes for each number that it reads, and says when they are all back.
 */
import { createHash, randomBytes } from "node:crypto";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";

const [, , mode = "", address = "", port = ""] = process.argv;

function say(event: object): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

function serve(): void {
  const server = createServer((socket) => {
    say({ event: "connection", from: socket.remoteAddress });
    socket.on("error", () => undefined); // the other end says how it ended
    socket.pipe(socket);
  });
  server.listen(Number(port), address, () => say({ event: "ready" }));
}

function dial(): void {
  const socket = connect(Number(port), address, () => say({ event: "connected" }));
  let back = createHash("sha256");
  let left = 0;
  let digest = "";
  socket.on("data", (part) => {
    back.update(part);
    left -= part.length;
    if (left > 0) return;
    say({ event: "back", isSame: back.digest("hex") === digest });
    back = createHash("sha256");
  });
  socket.on("error", (error: NodeJS.ErrnoException) => say({ event: "over", code: error.code }));
  createInterface({ input: process.stdin }).on("line", (line) => {
    const bytes = randomBytes(Number(line));
    left = bytes.length;
    digest = createHash("sha256").update(bytes).digest("hex");
    socket.write(bytes);
  });
}

if (mode === "serve") serve();
else dial();
