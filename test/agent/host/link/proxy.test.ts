import { describe, expect, it } from "vitest";
import { environmentOf, nameOfProxy, proxyFor } from "../../../../agent/host/link/proxy.ts";
import { parseEndpoint } from "../../../../agent/host/link/endpoint.ts";

const edge = parseEndpoint("wss://edge.example:4471");
const byAddress = parseEndpoint("wss://10.1.2.3:4471");
const bySixth = parseEndpoint("wss://[2001:db8::5]:4471");
const HTTPS_PROXY = "http://proxy.example:3128";

describe("the proxy of the environment", () => {
  it("is none without the variable, or with an empty one", () => {
    expect(proxyFor(edge, {})).toBeUndefined();
    expect(proxyFor(edge, { HTTPS_PROXY: "" })).toBeUndefined();
    expect(proxyFor(edge, { HTTP_PROXY: HTTPS_PROXY })).toBeUndefined();
  });

  it.each([
    ["http://proxy.example:3128", { hostname: "proxy.example", port: 3128, isTls: false }],
    ["http://proxy.example", { hostname: "proxy.example", port: 80, isTls: false }],
    ["https://proxy.example", { hostname: "proxy.example", port: 443, isTls: true }],
    ["proxy.example:3128", { hostname: "proxy.example", port: 3128, isTls: false }],
    ["http://[2001:db8::1]:3128", { hostname: "2001:db8::1", port: 3128, isTls: false }],
  ])("%s", (text, proxy) => {
    expect(proxyFor(edge, { HTTPS_PROXY: text })).toEqual({ ...proxy, authorization: undefined });
  });

  it("is read from the lower-case name first", () => {
    expect(proxyFor(edge, { HTTPS_PROXY, https_proxy: "http://other:1" })?.hostname).toBe("other");
  });

  it("has credentials, decoded, and no name that a person is shown holds them", () => {
    const proxy = proxyFor(edge, { HTTPS_PROXY: "http://claw:p%40ss%3A@proxy.example:3128" });
    expect(proxy?.authorization).toBe(`Basic ${Buffer.from("claw:p@ss:").toString("base64")}`);
    expect(proxy === undefined ? "" : nameOfProxy(proxy)).toBe("proxy.example:3128");
  });

  it.each(["http://", "socks5://proxy.example:1080", "http://a:%ff@proxy.example", "http://proxy example"])(
    "%s is refused, and not repeated",
    (text) => {
      const refused = (): unknown => proxyFor(edge, { HTTPS_PROXY: text });
      expect(refused).toThrow(expect.objectContaining({ code: "proxy_invalid", message: "proxy_invalid" }));
    },
  );

  it.each(["localhost", "clawhold.localhost", "127.0.0.1", "127.9.9.9", "[::1]"])(
    "is not used for %s, whatever the environment says",
    (name) => {
      expect(proxyFor(parseEndpoint(`wss://${name}:4471`), { HTTPS_PROXY })).toBeUndefined();
    },
  );

  it("is not used by a host beside its edge", () => {
    expect(environmentOf({ colocated: true }, { HTTPS_PROXY })).toEqual({});
    expect(environmentOf({ colocated: false }, { HTTPS_PROXY })).toEqual({ HTTPS_PROXY });
  });
});

describe("NO_PROXY", () => {
  const isDirect = (endpoint: typeof edge, NO_PROXY: string): boolean =>
    proxyFor(endpoint, { HTTPS_PROXY, NO_PROXY }) === undefined;

  it.each([
    ["*", true],
    ["edge.example", true],
    ["EDGE.example", true],
    ["example", true],
    [".example", true],
    ["*.example", true],
    ["other, edge.example ,third", true],
    ["edge.example:4471", true],
    ["edge.example:4472", false],
    ["dge.example", false],
    ["sub.edge.example", false],
    ["", false],
    [",,", false],
    [".", false],
    ["10.0.0.0/8", false],
  ])("%j for a name: direct is %s", (list, expected) => {
    expect(isDirect(edge, list)).toBe(expected);
  });

  it.each([
    ["10.1.2.3", true],
    ["10.1.2.3:4471", true],
    ["10.1.2.3:1", false],
    ["10.0.0.0/8", true],
    ["10.2.0.0/16", false],
    ["10.0.0.0/99", false],
    ["1.2.3", false],
  ])("%j for an address: direct is %s", (list, expected) => {
    expect(isDirect(byAddress, list)).toBe(expected);
  });

  it.each([
    ["2001:db8::5", true],
    ["[2001:db8::5]", true],
    ["[2001:db8::5]:4471", true],
    ["[2001:db8::5]:1", false],
    ["2001:db8::/32", true],
    ["2001:db9::/32", false],
    ["10.0.0.0/8", false],
  ])("%j for an IPv6 address: direct is %s", (list, expected) => {
    expect(isDirect(bySixth, list)).toBe(expected);
  });
});
