import { describe, expect, it } from "vitest";
import { decodeManifest, encodeManifest, isKeptPath, type Manifest } from "../../../../agent/edge/backup/manifest.ts";

const manifest: Manifest = {
  v: 1,
  clawhold: "0.1.0",
  at: "2026-11-20T12:00:00.000Z",
  dataVersion: 1,
  migrations: ["0001_workspace.sql"],
  files: [
    { path: "keys/edge.json", bytes: 10, sha256: "0".repeat(64) },
    { path: "version", bytes: 2, sha256: "1".repeat(64) },
  ],
};

function withFile(path: string): Manifest {
  return { ...manifest, files: [...manifest.files, { path, bytes: 1, sha256: "2".repeat(64) }] };
}

describe("a manifest", () => {
  it("reads as it was written", () => {
    expect(decodeManifest(encodeManifest(manifest))).toEqual(manifest);
  });

  it.each([
    ["no JSON", "{"],
    ["another version", encodeManifest({ ...manifest, v: 2 } as unknown as Manifest)],
    ["a member more", encodeManifest({ ...manifest, more: 1 } as unknown as Manifest)],
    ["a file twice", encodeManifest({ ...manifest, files: [...manifest.files, ...manifest.files] })],
    ["a path that leads out", encodeManifest(withFile("keys/../../edge.json"))],
    ["a file that no data directory has", encodeManifest(withFile("log/edge.log"))],
    ["no version file", encodeManifest({ ...manifest, files: manifest.files.slice(0, 1) })],
    ["a short digest", encodeManifest({ ...manifest, files: [{ path: "version", bytes: 2, sha256: "1" }] })],
  ])("is refused with %s", (_what, text) => {
    expect(decodeManifest(text)).toBeUndefined();
  });

  it.each([
    "/etc/passwd",
    "../version",
    "keys/../../x",
    "keys/./x",
    "keys//x",
    "keys/.hidden",
    "keys",
    "log/edge.log",
    "run/x",
    "lock",
    "keys/a\\b",
    "keys/a\nb",
  ])("never names %j", (path) => {
    expect(isKeptPath(path)).toBe(false);
  });

  it.each([
    "version",
    "keys/edge.json",
    "d1/clawhold-D1/ab.sqlite",
    "host/warden/journal-h-abc.jsonl",
    "signer/-_a.json",
  ])("names %s", (path) => {
    expect(isKeptPath(path)).toBe(true);
  });
});
