/**
 * A process of its own on the edge's machine: carries a person's browser to the dashboard, which answers on that
 * machine's loopback only, from a unix socket that the test can reach.
 */
import { connect, createServer } from "node:net";

const [, , socketPath = "", port = ""] = process.argv;

const server = createServer((near) => {
  const far = connect(Number(port), "127.0.0.1");
  near.on("error", () => far.destroy());
  far.on("error", () => near.destroy());
  near.on("close", () => far.destroy());
  far.on("close", () => near.destroy());
  near.pipe(far).pipe(near);
});
server.listen(socketPath, () => process.stdout.write(`${JSON.stringify({ event: "ready" })}\n`));
