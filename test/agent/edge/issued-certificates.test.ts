import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeAuthority } from "../../../agent/edge/certificates.ts";
import { noteIssued, recordIssued } from "../../../agent/edge/issued-certificates.ts";
import { loadServerCertificate } from "../../../agent/edge/keys.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "clawhold-issued-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const waiting = (): readonly string[] => JSON.parse(readFileSync(join(directory, "issued.json"), "utf8")) as string[];

/** A door that has a log from its `from`th question on. */
function door(from: number) {
  const asked: string[] = [];
  const admin = (_path: string, body?: unknown): Promise<unknown> => {
    asked.push((body as { readonly fingerprint: string }).fingerprint);
    return Promise.resolve({ isRecorded: asked.length >= from });
  };
  return { asked, admin };
}

describe("certificates that an edge made for itself", () => {
  it("wait for the log that comes later, and are named in it once", async () => {
    const now = new Date();
    const authority = await makeAuthority("test", now);
    const request = { authority, names: ["localhost"], now };
    await loadServerCertificate(directory, request);
    await loadServerCertificate(directory, request); // the stored one fits
    expect(waiting()).toHaveLength(1);
    expect(statSync(join(directory, "issued.json")).mode & 0o777).toBe(0o600);
    const early = door(2);
    await recordIssued(directory, early.admin);
    expect(early.asked).toEqual(waiting());
    await recordIssued(directory, early.admin);
    expect(waiting()).toEqual([]);
    await recordIssued(directory, early.admin);
    expect(early.asked).toHaveLength(2);
  });

  it("are asked about again after an answer that did not come", async () => {
    noteIssued(directory, (await makeAuthority("one", new Date())).certificate);
    noteIssued(directory, (await makeAuthority("two", new Date())).certificate);
    const [first, second] = waiting();
    let calls = 0;
    const failing = (): Promise<unknown> =>
      (calls += 1) === 2 ? Promise.reject(new Error("gone")) : Promise.resolve({ isRecorded: true });
    await expect(recordIssued(directory, failing)).rejects.toThrow("gone");
    expect(waiting()).toEqual([second]);
    const { asked, admin } = door(1);
    await recordIssued(directory, admin);
    expect([asked, waiting()]).toEqual([[second], []]);
    expect(first).not.toBe(second);
  });
});
