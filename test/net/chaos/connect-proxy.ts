/**
 * A process of its own between one host and the edge: an HTTP proxy that knows CONNECT and nothing else, as companies
 * have them. It sees TLS only and connects wherever it is told.
 */
import { createServer } from "node:http";
import { connect, type Socket } from "node:net";

const [, , address = "", port = ""] = process.argv;

const server = createServer((_request, response) => response.writeHead(405).end());
server.on("connect", (request, near: Socket, head: Buffer) => {
  const [, host = "", farPort = ""] = /^(.+):(\d+)$/.exec(request.url ?? "") ?? [];
  const far = connect(Number(farPort), host, () => {
    near.write("HTTP/1.1 200 Connection established\r\n\r\n");
    far.write(head);
    near.pipe(far).pipe(near);
  });
  near.on("error", () => far.destroy());
  far.on("error", () => near.destroy());
  near.on("close", () => far.destroy());
  far.on("close", () => near.destroy());
});
server.listen(Number(port), address, () => process.stdout.write(`${JSON.stringify({ event: "ready" })}\n`));
