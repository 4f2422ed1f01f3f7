import { describe, expect, it } from "vitest";
import { formatAddress, listensSentence } from "../../../../web/pages/host/listens.ts";

const loopback = { address: "127.0.0.1", port: 18_789, loopback: true };
const open = { address: "::", port: 18_789, loopback: false };

describe("where a gateway listens", () => {
  it("writes addresses so that they can be typed", () => {
    expect(formatAddress(loopback)).toBe("127.0.0.1:18789");
    expect(formatAddress(open)).toBe("[::]:18789");
  });

  it("says first what others can reach", () => {
    expect(listensSentence([loopback])).toBe("listens on 127.0.0.1:18789 only");
    expect(listensSentence([loopback, open])).toBe("open to the network on [::]:18789");
    expect(listensSentence([loopback, { ...loopback, address: "::1" }])).toBe(
      "listens on 127.0.0.1:18789 and [::1]:18789 only",
    );
    expect(listensSentence([])).toBe("listens nowhere");
  });
});
