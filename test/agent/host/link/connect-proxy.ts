/**
 * A small HTTP proxy that knows CONNECT and nothing else: it passes bytes on, or refuses as a test tells it to. It resolves
 * names by a list of its own, so that a test can give an edge a name.
 */
import { createServer, type IncomingMessage, type Server } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import type { Duplex } from "node:stream";

export interface ConnectProxy {
  readonly port: number;
  readonly url: string;
  /** What was asked for, in order. */
  readonly asked: { readonly authority: string; readonly authorization: string | undefined }[];
  /** Everything that went through, in both directions. */
  readonly passed: () => Buffer;
  /** Answers with this instead of opening a way. */
  refusal: number | undefined;
  /** Says nothing at all. */
  isSilent: boolean;
  stop(): Promise<void>;
}

export interface ProxyPlan {
  /** Where names lead: `edge.test` to a port of this machine. */
  readonly names?: Readonly<Record<string, number>>;
  readonly address?: string;
}

export async function startConnectProxy({ names = {}, address = "127.0.0.1" }: ProxyPlan = {}): Promise<ConnectProxy> {
  const open = new Set<Duplex>();
  const passed: Buffer[] = [];
  const server: Server = createServer((_request, response) => response.writeHead(405).end());
  const proxy = {
    port: 0,
    url: "",
    asked: [] as { authority: string; authorization: string | undefined }[],
    passed: () => Buffer.concat(passed),
    refusal: undefined as number | undefined,
    isSilent: false,
    stop: () =>
      new Promise<void>((resolve) => {
        for (const socket of open) socket.destroy();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  server.on("connect", (request: IncomingMessage, client: Duplex, head: Buffer) => {
    open.add(client);
    client.on("close", () => open.delete(client));
    client.on("error", () => client.destroy()); // the far end went away
    const authority = request.url ?? "";
    proxy.asked.push({ authority, authorization: request.headers["proxy-authorization"] });
    if (proxy.isSilent) return;
    if (proxy.refusal !== undefined) {
      client.end(`HTTP/1.1 ${String(proxy.refusal)} No\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const url = new URL(`tcp://${authority}`);
    const mapped = names[url.hostname];
    const far: Socket =
      mapped === undefined
        ? connect(Number(url.port), url.hostname.replace(/^\[|\]$/g, ""))
        : connect(mapped, "127.0.0.1");
    open.add(far);
    far.on("close", () => {
      open.delete(far);
      client.destroy();
    });
    client.on("close", () => far.destroy());
    far.on("error", () => client.end("HTTP/1.1 502 No\r\ncontent-length: 0\r\n\r\n"));
    far.on("connect", () => {
      client.write("HTTP/1.1 200 Fine\r\n\r\n");
      if (head.length > 0) far.write(head);
      far.on("data", (bytes: Buffer) => passed.push(bytes));
      client.on("data", (bytes: Buffer) => passed.push(bytes));
      client.pipe(far);
      far.pipe(client);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(proxy, { port, url: `http://127.0.0.1:${String(port)}` });
}
