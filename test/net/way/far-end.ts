/**
 * The far end of a host's way, on a machine of its own: TLS 1.3 and a WebSocket on /tunnel that answers keep-alives. It
 * listens at the addresses it is given, says what a host needs to dial it, and tells of every connection.
 */
import "reflect-metadata";
import { createServer } from "node:https";
import type { TLSSocket } from "node:tls";
import { WebSocketServer } from "ws";
import { makeAuthority, makeServerCertificate } from "../../../agent/edge/certificates.ts";
import { PING, PONG } from "../../../protocol/tunnel.ts";
import { issueClient } from "../../agent/edge/fixtures/client-certificates.ts";

const [, , listenAt = "", port = "", ...names] = process.argv;
const say = (said: object): void => void process.stdout.write(`${JSON.stringify(said)}\n`);

const now = new Date();
const authority = await makeAuthority("edge", now);
const leaf = await makeServerCertificate(authority, names, now);
const client = await issueClient(await makeAuthority("agents", now));
const server = createServer({
  key: leaf.key,
  cert: leaf.certificate + authority.certificate,
  requestCert: true,
  rejectUnauthorized: false,
  minVersion: "TLSv1.3",
});
const sockets = new WebSocketServer({ server, path: "/tunnel" });
sockets.on("connection", (socket, request) => {
  say({ event: "connection", from: (request.socket as TLSSocket).remoteAddress });
  socket.on("message", (data: Buffer) => {
    if (data.toString("utf8") === PING) socket.send(PONG);
  });
  socket.on("close", (code) => say({ event: "closed", code }));
  socket.on("error", () => undefined); // the close says it
});
server.listen(Number(port), listenAt, () =>
  say({
    event: "ready",
    tls: { v: 1, key: `${client.key}\n`, certificate: `${client.cert}\n`, edgeCa: authority.certificate },
  }),
);
