/** The baseline of an echo: a bare `ws` server behind the same TLS, in a process of its own. Reads its pair from stdin. */
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";

const chunks: Buffer[] = [];
for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
const { key, certificate } = JSON.parse(Buffer.concat(chunks).toString("utf8")) as {
  readonly key: string;
  readonly certificate: string;
};
const server = createServer({ key, cert: certificate, minVersion: "TLSv1.3" });
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on("connection", (socket) => {
  socket.on("message", (data) => socket.send((data as Buffer).toString("utf8")));
});
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
