/** The pure parts by which gateways are found and doors recognised: text of the kernel, of servers and of people in, words out. */
import { describe, expect, it } from "vitest";
import { leadsTo, tailscaleDoorsIn } from "../../../../../../agent/host/posture/collectors/gateway/carriers.ts";
import {
  isConfiguration,
  isDirectoryListing,
  openDoors,
} from "../../../../../../agent/host/posture/collectors/gateway/doors.ts";
import { namesIn } from "../../../../../../agent/host/posture/collectors/gateway/names.ts";
import { readAudit } from "../../../../../../agent/host/posture/collectors/gateway/native.ts";
import { peopleIn } from "../../../../../../agent/host/posture/collectors/gateway/people.ts";
import { environmentIn, secretOf, strengthOf } from "../../../../../../agent/host/posture/collectors/gateway/secret.ts";
import { isPinned, projectSettings } from "../../../../../../agent/host/posture/collectors/gateway/settings.ts";
import {
  globalAddresses,
  knockAddress,
  localAddresses,
} from "../../../../../../agent/host/posture/collectors/gateway/sockets.ts";
import { packageRoots } from "../../../../../../agent/host/posture/collectors/gateway/version.ts";
import { keyShapesIn } from "../../../../../../agent/host/posture/collectors/secrets/shapes.ts";

describe("the strength of a secret", () => {
  it.each([
    ["f3b1c09d5a7e42688c1d90ab34ef5672", true], // openssl rand -hex 16
    ["u8Jx2LqWb0ZtY7nKc4Rs9A", true], // 22 letters and digits
    ["correct horse battery staple and more", true],
    ["12345678901234567890", false],
    ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false],
    ["abababababababababababababababababababab", false],
    ["open-sesame", false],
    ["your-token-here-please-replace-it-soon", false],
    ["undefined", false],
    ["", false],
  ])("%j is enough: %s", (secret, enough) => {
    expect(strengthOf(secret).bits >= 125).toBe(enough);
  });
});

describe("where a gateway takes its secret from", () => {
  const auth = (value: unknown) => ({ gateway: { auth: value } });
  it.each([
    ["its configuration", auth({ token: "abc" }), {}, "configuration", "abc"],
    ["a variable that it names", auth({ token: "${MINE}" }), { MINE: "xyz" }, "environment", "xyz"],
    ["a variable that is not there", auth({ token: "${MINE}" }), {}, "reference", undefined],
    ["somewhere else", auth({ token: { source: "exec", id: "x" } }), {}, "reference", undefined],
    ["its environment", auth({}), { OPENCLAW_GATEWAY_TOKEN: "env" }, "environment", "env"],
    [
      "the password of a password mode",
      auth({ mode: "password", password: "pw", token: "t" }),
      {},
      "configuration",
      "pw",
    ],
    ["nowhere", auth({}), {}, "absent", undefined],
  ] as const)("%s", (...[, tree, environment, source, secret]) => {
    const found = secretOf(tree, environment);
    expect([found.source, found.credential?.reveal()]).toEqual([source, secret]);
    expect(JSON.stringify(found)).not.toContain(secret === undefined ? "\0" : `"${secret}"`);
  });
  it("is read of a file and of the kernel", () => {
    expect(environmentIn("# no\nexport A='b c'\nB=\"d\"\nbad-name=1\n", "\n")).toEqual({ A: "b c", B: "d" });
    expect(environmentIn("A=b\nc\0B='d'\0", "\0")).toEqual({ A: "b\nc", B: "'d'" });
  });
});

describe("the settings that decide", () => {
  it("are the gateway's defaults where nothing is written", () => {
    expect(projectSettings({})).toMatchObject({
      bind: "loopback",
      authMode: "token",
      rateLimit: { maxAttempts: 10, windowSeconds: 60, lockoutSeconds: 300, exemptsLoopback: true },
      autoPairing: ["gateway.nodes.pairing.autoApproveLocal", "gateway.nodes.pairing.sshVerify"],
      looseExec: ["tools.exec.mode"],
      hasTerminal: true,
      mdns: "minimal",
      tailscale: "off",
    });
  });
  it("carry no value of a person's: no sender, no token, no origin", () => {
    const tree = {
      gateway: { auth: { token: "SECRET-1" }, controlUi: { allowedOrigins: ["https://SECRET-2.example"] } },
      channels: { telegram: { dmPolicy: "open", allowFrom: ["*", "SECRET-3"] } },
      hooks: { enabled: true, token: "SECRET-4" },
      tools: { elevated: { allowFrom: { telegram: ["SECRET-5", "*"] } } },
    };
    const projected = JSON.stringify(projectSettings(tree));
    expect(projected).not.toContain("SECRET");
    expect(projected).toContain("channels.telegram.allowFrom");
  });
  it("are not taken from what is no configuration", () => {
    const deep: Record<string, unknown> = {};
    let inside = deep;
    for (let at = 0; at < 100; at += 1) inside = (inside["a"] = {}) as Record<string, unknown>;
    for (const tree of [undefined, "x", [], deep]) expect(projectSettings(tree)).toBeUndefined();
  });
  it("do not take two placeholders for one secret", () => {
    const shown = {
      gateway: { auth: { token: "__OPENCLAW_REDACTED__" } },
      hooks: { enabled: true, token: "__OPENCLAW_REDACTED__" },
    };
    expect(projectSettings(shown)?.hooks.isGatewayToken).toBe(false);
  });
  it.each([
    ["weather@1.2.3", true],
    ["@who/weather@1.2.3-beta.1", true],
    ["weather", false],
    ["weather@latest", false],
    ["weather@^1.2.3", false],
    ["@who/weather", false],
    ["./local", true],
    [undefined, true],
  ])("call the spec %j fixed: %s", (spec, pinned) => {
    expect(isPinned(spec)).toBe(pinned);
  });
});

describe("addresses of a machine", () => {
  it("are read of the kernel's tree, without loopback", () => {
    const trie = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.1
           /32 host LOCAL
     +-- 192.0.2.0/24 2 0 2
        |-- 192.0.2.0
           /24 link UNICAST
        |-- 192.0.2.7
           /32 host LOCAL
        |-- 192.0.2.255
           /32 link BROADCAST
`;
    expect(localAddresses(trie)).toEqual(["192.0.2.7"]);
    const six = `00000000000000000000000000000001 01 80 10 80       lo
fe800000000000000000000000000001 02 40 20 80     eth0
20010db8000000000000000000000007 02 40 00 80     eth0
`;
    expect(globalAddresses(six)).toEqual(["2001:db8::7"]);
  });
  it("are knocked at here where a socket stands for all", () => {
    expect(["0.0.0.0", "::", "192.0.2.7"].map(knockAddress)).toEqual(["127.0.0.1", "::1", "192.0.2.7"]);
  });
  it("are one door where a server holds both families, and none on loopback or where other things are spoken", () => {
    const socket = { loopback: false, uid: 0, inode: "1" };
    const open = [
      { ...socket, address: "0.0.0.0", port: 80 },
      { ...socket, address: "::", port: 80 },
      { ...socket, address: "127.0.0.1", port: 81, loopback: true },
      { ...socket, address: "0.0.0.0", port: 22 },
      { ...socket, address: "192.0.2.7", port: 8_080 },
    ];
    expect(openDoors(open).map(({ address, port }) => `${address} ${String(port)}`)).toEqual([
      "0.0.0.0 80",
      "192.0.2.7 8080",
    ]);
  });
});

describe("what a server hands out", () => {
  it.each([
    ["<html><head><title>Index of /</title></head>", true], // nginx, Apache
    ["<!DOCTYPE HTML><title>Directory listing for /</title>", true], // python3 -m http.server
    ["<h1>Index of /</h1>", true],
    ["<title>Index of our products</title>", false],
    ["<!doctype html><div id=app></div>", false],
  ])("%j is a list of files: %s", (body, is) => {
    expect(isDirectoryListing(body)).toBe(is);
  });
  it.each([
    ['{"gateway":{"port":1}}', true],
    ["{gateway: {port: 1}, // mine\n}", true],
    ['{"name":"an app"}', false],
    ["<!doctype html>{gateway:{}}", false],
    ["", false],
  ])("%j is a gateway's configuration: %s", (body, is) => {
    expect(isConfiguration(body)).toBe(is);
  });
});

describe("names and carriers", () => {
  it("are read of nginx, Apache and Caddy", () => {
    expect(namesIn("server { server_name a.example www.a.example; # b.example\n}")).toEqual([]);
    expect(namesIn("server {\n  server_name a.example www.a.example _;\n  # server_name no.example;\n}")).toEqual([
      "a.example",
      "www.a.example",
    ]);
    expect(namesIn("<VirtualHost *:80>\n  ServerName c.example:443\n  ServerAlias d.example\n")).toEqual([
      "c.example",
      "d.example",
    ]);
    expect(namesIn("e.example, https://f.example {\n  reverse_proxy 127.0.0.1:18789\n}\n(snippet) {\n}\n")).toEqual([
      "e.example",
      "f.example",
    ]);
  });
  it.each([
    ["cloudflared tunnel --url http://localhost:18789", true],
    ["    service: http://127.0.0.1:18789", true],
    ["ngrok http 18789 --domain x", true],
    ["lt --port 18789", true],
    ["ssh -N -R 80:localhost:18789 serveo.example", true],
    ["ngrok http 8080", false],
    ["    service: http://127.0.0.1:187890", false],
    ["cloudflared tunnel run 118789", false],
  ])("%j carries to the gateway: %s", (words, does) => {
    expect(leadsTo(words, 18_789)).toBe(does);
  });
  it("are what Tailscale says it serves, and to whom", () => {
    const web = { Handlers: { "/": { Proxy: "http://127.0.0.1:18789" } } };
    const served = JSON.stringify({
      Web: { "h.ts.example:443": web, "h.ts.example:8443": web },
      AllowFunnel: { "h.ts.example:8443": true },
    });
    expect(tailscaleDoorsIn(served, [18_789])).toEqual({ served: [443], funnelled: [8443] });
    expect(tailscaleDoorsIn(served, [1])).toEqual({ served: [], funnelled: [] });
    expect(tailscaleDoorsIn("no JSON", [18_789])).toEqual({ served: [], funnelled: [] });
  });
});

describe("where a program was loaded from", () => {
  it("is every node_modules on the way to a native part", () => {
    const maps = `7f00-7f01 r--p 00000000 08:01 12 /usr/lib/node_modules/openclaw/node_modules/@x/native/x.node
7f02-7f03 r--p 00000000 08:01 13 /usr/lib/x86_64-linux-gnu/libc.so.6
`;
    expect(packageRoots(maps)).toEqual(["/usr/lib/node_modules/openclaw/node_modules", "/usr/lib/node_modules"]);
    expect(packageRoots("")).toEqual([]);
  });
});

describe("people", () => {
  it("are those who can have a home with a gateway in it", () => {
    const passwd = `root:x:0:0:root:/root:/bin/bash
toor:x:0:0::/elsewhere:/bin/sh
daemon:x:1:1::/usr/sbin:/usr/sbin/nologin
nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin
alice:x:1000:1000:Alice,,,:/home/alice:/bin/bash
no line
`;
    expect(peopleIn(passwd).map(({ name, home }) => `${name} ${home}`)).toEqual([
      "root /root",
      "daemon /",
      "nobody /",
      "alice /home/alice",
    ]);
  });
});

describe("the gateway's own audit", () => {
  it("is read for ids and severities, and for what it hides", () => {
    const text = `a notice\n${JSON.stringify({
      findings: [
        { checkId: "gateway.loopback_no_auth", severity: "critical", title: "SECRET" },
        { checkId: "gateway.probe_failed", severity: "critical" },
        { checkId: "fs.synced_dir", severity: "warn" },
        { checkId: "fs.synced_dir", severity: "warn" },
      ],
      suppressedFindings: [{}],
    })}`;
    expect(readAudit(text)).toEqual({
      critical: ["gateway.loopback_no_auth"],
      warnings: ["fs.synced_dir"],
      suppressed: 1,
    });
  });
  it.each(["", "{", '{"findings":"none"}', '{"findings":[{"checkId":"$(x)","severity":"critical"}]}'])(
    "refuses %j",
    (text) => {
      expect(readAudit(text)).toBeUndefined();
    },
  );
});

describe("keys by their shape", () => {
  it.each([
    [`sk-ant-api03-${"a".repeat(40)}`, "Anthropic"],
    [`sk-proj-${"Ab1".repeat(16)}`, "OpenAI"],
    [`AIza${"a".repeat(35)}`, "Google"],
    ["AKIAIOSFODNN7EXAMPLE", "AWS"],
    [`ghp_${"a".repeat(36)}`, "GitHub"],
    [`xoxb-${"1234567890-".repeat(3)}`, "Slack"],
    [`123456789:AA${"b".repeat(33)}`, "Telegram"],
    [`OPENCLAW_GATEWAY_TOKEN=${"c".repeat(32)}`, "OpenClaw"],
  ])("%s is one of %s", (text, provider) => {
    expect(keyShapesIn(`export X=${text}\n`)).toContain(provider);
  });
  it.each([
    "sk-test-only",
    "task-manager",
    "OPENCLAW_GATEWAY_TOKEN=$TOKEN",
    "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
  ])("%j is none", (text) => {
    expect(keyShapesIn(text)).toEqual([]);
  });
});
