import { describe, expect, it } from "vitest";
import { parseTarget } from "../../../durable-objects/outbound/target.ts";
import { MAX_TARGET_CHARACTERS } from "../../../protocol/limits.ts";

describe("a target of alerts", () => {
  it.each([
    "https://ntfy.sh/clawhold-4f1c",
    "https://hooks.example.com:8443/a/b?token=x%20y",
    "https://xn--bcher-kva.example/",
    "https://UPPER.example.com/",
  ])("may be %s", (text) => {
    expect(parseTarget(text)?.protocol).toBe("https:");
  });

  it.each([
    // not https
    "http://hooks.example/",
    "ftp://hooks.example/",
    "HTTPS://hooks.example/",
    "https:hooks.example",
    "https:///hooks.example",
    "//hooks.example/",
    "",
    // addresses of this machine and of private networks, in every notation
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://127.0.0.1./",
    "https://%31%32%37.0.0.1/",
    "https://①②⑦.0.0.1/",
    "https://0.0.0.0/",
    "https://0/",
    "https://10.0.0.8/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[::]/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fd00::1]/",
    "https://[ff02::1]/",
    // a public address is no name either
    "https://203.0.113.7/",
    "https://[2001:db8::1]/",
    // names that only mean something here
    "https://localhost/",
    "https://localhost./",
    "https://LOCALHOST/",
    "https://clawhold.localhost:4470/",
    "https://printer/",
    "https://gateway.local/",
    "https://metadata.google.internal/",
    "https://router.lan/",
    "https://nas.home/",
    "https://box.home.arpa/",
    "https://1.0.0.127.in-addr.arpa/",
    "https://a..b/",
    // credentials, in any place before the path
    "https://user@hooks.example/",
    "https://user:password@hooks.example/",
    "https://@hooks.example/",
    "https://hooks.example@127.0.0.1/",
    "https://hooks.example:443@ntfy.sh/",
    // what a parser would repair
    "https://hooks.example\\@127.0.0.1/",
    "https:\\\\hooks.example/",
    " https://hooks.example/",
    "https://hooks.example/\n",
    "https://hooks\t.example/",
    "https://hooks.example/ä",
    "https://hooks.example/#part",
    "https://hooks.example:0/",
    "https://hooks.example:65536/",
    "https://hooks.example:x/",
  ])("is never %j", (text) => {
    expect(parseTarget(text)).toBeUndefined();
  });

  it("is no longer than the limit", () => {
    const base = "https://hooks.example/";
    const fits = base + "a".repeat(MAX_TARGET_CHARACTERS - base.length);
    expect(parseTarget(fits)?.href).toBe(fits);
    expect(parseTarget(`${fits}a`)).toBeUndefined();
  });
});
