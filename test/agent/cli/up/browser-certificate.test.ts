import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readBrowserCertificates } from "../../../../agent/edge/bind/browser-certificates.ts";
import { runCli } from "../../../../agent/cli/cli.ts";
import { readClientCertificate } from "../../../../agent/signer/client-certificate.ts";
import { acquireLock, type Lock } from "../../../../agent/shared/lock.ts";
import { makeDirectory } from "../../edge/fixtures/harness.ts";
import { terminal } from "../terminal.ts";

let directory: ReturnType<typeof makeDirectory>;
let lock: Lock | undefined;
let server: Server | undefined;
const asked: unknown[] = [];

beforeEach(() => {
  directory = makeDirectory();
  mkdirSync(join(directory.path, "run"), { mode: 0o700 });
  mkdirSync(join(directory.path, "keys"), { mode: 0o700 });
  asked.length = 0;
});
afterEach(async () => {
  lock?.release();
  lock = undefined;
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  server = undefined;
  directory.remove();
});

/** As much of a running edge as the command sees. */
async function runEdge(status = 200): Promise<void> {
  lock = acquireLock(join(directory.path, "lock"), () => new Date());
  const edge = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      asked.push([request.url, JSON.parse(body)]);
      response.writeHead(status, { "content-type": "application/json", connection: "close" }).end('{"ok":true}');
    });
  });
  server = edge;
  await new Promise<void>((resolve) => edge.listen(join(directory.path, "run", "admin.sock"), () => resolve()));
}

async function type(...words: readonly string[]) {
  const { io, out, err } = terminal();
  const code = await runCli(["up", "browser-certificate", ...words, "--data", directory.path], io);
  return { code, out: out.join("\n"), err: err.join("\n") };
}

const file = () => join(directory.path, "ada.p12");
const make = () => type("--label", "Ada's laptop", "--out", file());
const kept = () => readBrowserCertificates(join(directory.path, "keys"));

describe("a certificate for a browser", () => {
  it("is a file of its owner's with a password that is printed once and stored nowhere", async () => {
    await runEdge();
    const { code, out } = await make();
    expect(code).toBe(0);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    const password = /^ {2}([a-z2-9-]{29})$/m.exec(out)?.[1] ?? "";
    const argv = ["pkcs12", "-in", file(), "-nodes", "-passin", "stdin"];
    const opened = spawnSync("openssl", argv, { input: `${password}\n`, encoding: "utf8" });
    expect(opened.stdout).toContain("OU = clawhold browser");
    expect(opened.stdout).toContain("Ada's laptop");
    expect(opened.stdout).toContain("PRIVATE KEY");
    expect(spawnSync("openssl", argv, { input: "wrong\n" }).status).not.toBe(0);
    expect(readFileSync(join(directory.path, "keys", "browser-certificates.json"), "utf8")).not.toContain(password);
  });

  it("is text without a password for our own programs, when that is asked for", async () => {
    await runEdge();
    const { code, out } = await type("--label", "a signer", "--out", file(), "--pem");
    expect([code, statSync(file()).mode & 0o777]).toEqual([0, 0o600]);
    expect(out).toContain(`clawhold ui --client-certificate ${file()}`);
    expect(readClientCertificate(file(), process.getuid?.() ?? 0).tls().cert).toContain("BEGIN CERTIFICATE");
    expect(kept()[0]?.label).toBe("a signer");
  });

  it("is in the log before it counts", async () => {
    await runEdge();
    await make();
    const [only] = kept();
    expect(asked).toEqual([["/admin/browser-certificate", { fingerprint: only?.fingerprint, change: "issued" }]]);
  });

  it("is not made when its entry cannot be written, or no edge runs", async () => {
    await runEdge(503);
    expect((await make()).code).toBe(1);
    expect([kept(), existsSync(file())]).toEqual([[], false]);
    lock?.release();
    lock = undefined;
    const { code, err } = await make();
    expect([code, kept(), existsSync(file())]).toEqual([3, [], false]);
    expect(err).toContain("clawhold up");
  });

  it("leaves a file that exists as it is, and makes nothing", async () => {
    await runEdge();
    await make();
    const before = readFileSync(file());
    expect((await make()).code).toBe(1);
    expect(readFileSync(file()).equals(before)).toBe(true);
    expect(kept()).toHaveLength(1);
  });

  it("is listed by its name and taken away by its first characters", async () => {
    await runEdge();
    await make();
    const short = kept()[0]?.fingerprint.slice(0, 8) ?? "";
    expect((await type("--list")).out).toMatch(new RegExp(`^${short} {2}until .* Ada's laptop$`));
    expect((await type("--revoke", short)).code).toBe(0);
    expect(kept()[0]?.revoked).toBeDefined();
    expect(asked.at(-1)).toEqual([
      "/admin/browser-certificate",
      { fingerprint: kept()[0]?.fingerprint, change: "revoked" },
    ]);
    expect((await type("--list")).out).toContain("revoked");
  });

  it("is taken away without an edge too, and says what is missing", async () => {
    await runEdge();
    await make();
    lock?.release();
    lock = undefined;
    const { code, err } = await type("--revoke", kept()[0]?.fingerprint ?? "");
    expect([code, kept()[0]?.revoked === undefined]).toEqual([0, false]);
    expect(err).toContain("The log has no entry of it");
  });

  it.each([
    [[]],
    [["--list", "--revoke", "00000000"]],
    [["--label", "x"]],
    [["--out", "x.p12"]],
    [["--label", "", "--out", "x.p12"]],
    [["--label", "a\u202eb", "--out", "x.p12"]],
    [["--label", "x".repeat(65), "--out", "x.p12"]],
    [["--revoke", "00000000"]],
    [["--revoke", ""]],
  ])("needs words that mean one thing: %j", async (words) => {
    expect((await type(...words)).code).toBe(2);
  });
});
