import { X509Certificate } from "node:crypto";
import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { EdgeKeys } from "../../../agent/edge/keys.ts";
import { deriveSettingsKey, loadKeys, loadServerCertificate } from "../../../agent/edge/keys.ts";
import { makeDirectory } from "./fixtures/harness.ts";

const NOW = new Date("2026-11-20T08:00:00Z");
const later = (days: number): Date => new Date(NOW.getTime() + days * 86_400_000);
const NAMES = ["127.0.0.1", "::1", "localhost"];

let directory: ReturnType<typeof makeDirectory>;
beforeEach(() => {
  directory = makeDirectory();
});
afterEach(() => directory.remove());

const load = (hasState = false): Promise<EdgeKeys> => loadKeys({ directory: directory.path, hasState }, NOW);

describe("the keys of an edge", () => {
  it("are made once, readable by their owner only", async () => {
    const keys = await load();
    expect(Buffer.from(keys.dispatchSeed, "base64url")).toHaveLength(32);
    expect(keys.ledgerSeed).not.toBe(keys.dispatchSeed);
    expect(statSync(join(directory.path, "edge.json")).mode & 0o777).toBe(0o600);
    expect(await load(true)).toEqual(keys);
  });

  it("have two separate authorities that may sign certificates and no further authority", async () => {
    const { agentAuthority, edgeAuthority } = await load();
    expect(agentAuthority.key).not.toBe(edgeAuthority.key);
    for (const { certificate } of [agentAuthority, edgeAuthority]) {
      const parsed = new X509Certificate(certificate);
      expect(parsed.ca).toBe(true);
      expect(parsed.verify(parsed.publicKey)).toBe(true);
      expect(parsed.publicKey.asymmetricKeyDetails).toMatchObject({ namedCurve: "prime256v1" });
    }
  });

  it("are never replaced silently once they were used", async () => {
    await load();
    rmSync(join(directory.path, "edge.json"));
    await expect(load(true)).rejects.toMatchObject({ code: "keys_damaged" });
  });

  it.each(["", "{}", '{"dispatchSeed":"x"}', "null"])("are refused when damaged: %j", async (text) => {
    writeFileSync(join(directory.path, "edge.json"), text, { mode: 0o600 });
    await expect(load(true)).rejects.toMatchObject({ code: "keys_damaged" });
  });

  it("are refused with an unknown member, without quoting a key", async () => {
    const keys = await load();
    writeFileSync(join(directory.path, "edge.json"), JSON.stringify({ ...keys, extra: "s3cret" }));
    await expect(load(true)).rejects.toMatchObject({
      code: "keys_damaged",
      message: expect.not.stringContaining("s3cret"),
    });
  });

  it("are refused when others may read them", async () => {
    await load();
    chmodSync(join(directory.path, "edge.json"), 0o640);
    await expect(load(true)).rejects.toMatchObject({ code: "data_permissions" });
  });
});

describe("the key that seals settings", () => {
  it("comes from the ledger's seed, the same for ever: another one would open nothing that is sealed", () => {
    const ledgerSeed = Buffer.alloc(32, 7).toString("base64url");
    expect(deriveSettingsKey({ ledgerSeed })).toBe("RbQLXHcbakU5IpcmHFlrjLGXnNnpBkCNW7DXgYfddCY");
    expect(deriveSettingsKey({ ledgerSeed: Buffer.alloc(32, 8).toString("base64url") })).not.toBe(
      deriveSettingsKey({ ledgerSeed }),
    );
  });
});

describe("the listener's certificate", () => {
  const loadServer = (keys: EdgeKeys, now: Date, names: readonly string[] = NAMES): Promise<{ certificate: string }> =>
    loadServerCertificate(directory.path, { authority: keys.edgeAuthority, names, now });

  it("carries every name and comes from the edge's authority", async () => {
    const keys = await load();
    const server = new X509Certificate(
      (await loadServer(keys, NOW, [...NAMES, "100.64.0.7", "edge.example"])).certificate,
    );
    expect(server.checkIP("127.0.0.1")).toBe("127.0.0.1");
    expect(server.checkIP("::1")).toBeDefined();
    expect(server.checkIP("100.64.0.7")).toBeDefined();
    expect(server.checkHost("edge.example")).toBeDefined();
    expect(server.verify(new X509Certificate(keys.edgeAuthority.certificate).publicKey)).toBe(true);
    expect(server.verify(new X509Certificate(keys.agentAuthority.certificate).publicKey)).toBe(false);
  });

  it("is kept until two thirds of its life are over, then renewed", async () => {
    const keys = await load();
    const first = await loadServer(keys, NOW);
    expect(await loadServer(keys, later(59))).toEqual(first);
    expect(await loadServer(keys, later(61))).not.toEqual(first);
  });

  it("is made anew for a new name, for another authority, and when the clock is before its life", async () => {
    const keys = await load();
    const first = await loadServer(keys, NOW);
    const named = await loadServer(keys, NOW, [...NAMES, "100.64.0.7"]);
    expect(named).not.toEqual(first);
    rmSync(join(directory.path, "edge.json"));
    const others = await load();
    const foreign = await loadServer(others, NOW);
    expect(foreign).not.toEqual(named);
    expect(await loadServer(others, later(-1))).not.toEqual(foreign);
  });

  it("is stored for its owner only", async () => {
    await loadServer(await load(), NOW);
    const path = join(directory.path, "server.json");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, "utf8")).toContain("PRIVATE KEY");
  });
});
