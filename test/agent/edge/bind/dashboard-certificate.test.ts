import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkName, ownCertificate, readTlsFiles, stampOf } from "../../../../agent/edge/bind/dashboard-certificate.ts";
import { makeAuthority, makeServerCertificate, SERVER_SECONDS } from "../../../../agent/edge/certificates.ts";
import { makeDirectory } from "../fixtures/harness.ts";

const NAME = "edge.example.ts.net";
const NOW = new Date("2026-11-20T12:00:00Z");
const later = (seconds: number) => new Date(NOW.getTime() + seconds * 1_000);

let directory: ReturnType<typeof makeDirectory>;
beforeEach(() => {
  directory = makeDirectory();
});
afterEach(() => directory.remove());

describe("a name", () => {
  it("has a dot and lower-case letters", () => {
    expect(checkName(NAME)).toBe(NAME);
  });

  it.each([
    "edge",
    "10.8.0.1",
    "Edge.example",
    "edge.localhost",
    "edge_1.example",
    "-a.example",
    "a.example/",
    "fd00::1",
    "",
  ])("is not %j", (name) => {
    expect(() => checkName(name)).toThrow(expect.objectContaining({ code: "bind_refused" }));
  });
});

describe("a certificate of our own", () => {
  const make = (name = NAME, now = NOW) => ownCertificate(directory.path, name, now);

  it("is for that name, of an authority that a person can take to a browser", async () => {
    const { pair, authorityPath } = await make();
    const leaf = new X509Certificate(pair.certificate);
    const authority = new X509Certificate(readFileSync(authorityPath));
    expect(leaf.checkHost(NAME)).toBe(NAME);
    expect(leaf.checkIssued(authority) && leaf.verify(authority.publicKey)).toBe(true);
  });

  it("stays until two thirds of its life, then is made anew by the same authority", async () => {
    const first = await make();
    expect((await make()).pair).toEqual(first.pair);
    const authority = readFileSync(first.authorityPath, "utf8");
    const renewed = await make(NAME, later((SERVER_SECONDS * 2) / 3 + 60));
    expect(renewed.pair.certificate).not.toBe(first.pair.certificate);
    expect(readFileSync(renewed.authorityPath, "utf8")).toBe(authority);
  });

  it("of another name has another authority", async () => {
    const { authorityPath } = await make();
    const before = readFileSync(authorityPath, "utf8");
    await make("other.example.ts.net");
    expect(readFileSync(authorityPath, "utf8")).not.toBe(before);
  });

  it("is not made over keys that cannot be read", async () => {
    await make();
    writeFileSync(join(directory.path, "dashboard.json"), "{");
    await expect(make()).rejects.toMatchObject({ code: "keys_damaged" });
  });

  it("comes from an authority that OpenSSL believes for no other name and no address", async () => {
    const authority = await makeAuthority("test", NOW, NAME);
    const root = join(directory.path, "root.pem");
    writeFileSync(root, authority.certificate);
    const judge = async (name: string) => {
      const leaf = join(directory.path, "leaf.pem");
      writeFileSync(leaf, (await makeServerCertificate(authority, [name], NOW)).certificate);
      const argv = ["verify", "-attime", String(NOW.getTime() / 1_000), "-CAfile", root, leaf];
      return spawnSync("openssl", argv, { encoding: "utf8" }).status;
    };
    expect(await judge(NAME)).toBe(0);
    for (const name of ["bank.example", "example.ts.net", "10.8.0.1", "fd00::1"]) expect(await judge(name)).not.toBe(0);
  });
});

describe("a certificate that a person brought", () => {
  const files = () => ({ certificate: join(directory.path, "cert.pem"), key: join(directory.path, "key.pem") });
  const write = async (name = NAME, now = NOW) => {
    const made = await makeServerCertificate(await makeAuthority("public", now), [name], now);
    writeFileSync(files().certificate, made.certificate);
    writeFileSync(files().key, made.key, { mode: 0o600 });
    return made;
  };
  const refusal = (name = NAME, now = NOW) => {
    try {
      readTlsFiles(files(), name, now);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };

  it("is taken as it is", async () => {
    const made = await write();
    expect(readTlsFiles(files(), NAME, NOW)).toEqual(made);
  });

  it("is refused with its reason", async () => {
    expect(refusal()).toContain("could not be read (ENOENT)");
    await write("other.example");
    expect(refusal()).toContain(`is for another name than ${NAME}`);
    await write();
    expect(refusal(NAME, later(SERVER_SECONDS + 60))).toContain("not valid at this time");
    const { key } = await makeAuthority("x", NOW);
    writeFileSync(files().key, key);
    expect(refusal()).toContain("is not the key of");
    writeFileSync(files().key, "nonsense");
    expect(refusal()).toContain("holds no private key");
    writeFileSync(files().certificate, "nonsense");
    expect(refusal()).toContain("holds no certificate");
    chmodSync(files().key, 0o644);
    expect(refusal()).toContain("chmod o-rwx");
    mkdirSync(join(directory.path, "d"));
    expect(() => readTlsFiles({ ...files(), certificate: join(directory.path, "d") }, NAME, NOW)).toThrow(
      "is a directory",
    );
  });

  it("is seen to have changed, and a missing file is no change", async () => {
    await write();
    const before = stampOf(files());
    expect(before).toBeDefined();
    expect(stampOf(files())).toBe(before);
    await write();
    writeFileSync(files().certificate, `${readFileSync(files().certificate, "utf8")}\n`);
    expect(stampOf(files())).not.toBe(before);
    expect(stampOf({ ...files(), key: join(directory.path, "none") })).toBeUndefined();
  });
});
