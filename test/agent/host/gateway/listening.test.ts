import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { userInfo } from "node:os";
import { describe, expect, it } from "vitest";
import { listenersOf, parseTable } from "../../../../agent/host/gateway/listening.ts";

const head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
const row = (address: string, state = "0A", uid = "1000"): string =>
  `   0: ${address} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  ${uid}        0 1 1 0 100 0 0 10 0\n`;

describe("parseTable", () => {
  it.each([
    ["0100007F:4965", "127.0.0.1", true],
    ["0200007F:4965", "127.0.0.2", true],
    ["00000000:4965", "0.0.0.0", false],
    ["0400A8C0:4965", "192.168.0.4", false],
    ["00000000000000000000000001000000:4965", "::1", true],
    ["00000000000000000000000000000000:4965", "::", false],
    ["0000000000000000FFFF00000100007F:4965", "::ffff:127.0.0.1", true],
    ["0000000000000000FFFF00000400A8C0:4965", "::ffff:192.168.0.4", false],
    ["B80D0120000000000000000001000000:4965", "2001:db8:0:0:0:0:0:1", false],
  ])("reads %s as %s", (raw, address, loopback) => {
    expect(parseTable(head + row(raw), 18_789)).toEqual([{ address, port: 18_789, loopback, uid: 1000 }]);
  });

  it("leaves out other ports, other states and torn rows", () => {
    const text =
      head +
      row("0100007F:4966") +
      row("0100007F:4965", "01") +
      row("0100:4965") +
      row("0100007F:4965", "0A", "me") +
      "   1: 0100007F";
    expect(parseTable(text, 18_789)).toEqual([]);
  });
});

describe("listenersOf", () => {
  it.runIf(process.platform === "linux")("finds a real listener and its user", async () => {
    // An address that nobody else takes: once it is free, another program may be given the port on the usual one.
    const address = "127.83.7.1";
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, address, resolve));
    const { port } = server.address() as AddressInfo;
    const found = async () => (await listenersOf(port))?.filter((listener) => listener.address === address);
    expect(await found()).toEqual([{ address, port, loopback: true, uid: userInfo().uid }]);
    await new Promise((resolve) => server.close(resolve));
    expect(await found()).toEqual([]);
  });

  it("says that it does not know where there is no table", async () => {
    expect(await listenersOf(1, ["/nonexistent/tcp"])).toBeUndefined();
  });
});
