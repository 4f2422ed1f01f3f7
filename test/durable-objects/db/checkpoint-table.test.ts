import { beforeAll, describe, expect, it } from "vitest";
import { CheckpointTable } from "../../../durable-objects/db/checkpoint-table.ts";
import { seedNoteSigner } from "../../../durable-objects/signer.ts";
import { toBase64url } from "../../../protocol/bytes.ts";
import {
  checkpointText,
  cosignedBy,
  openCheckpoint,
  signCheckpoint,
  witnessName,
} from "../../../protocol/checkpoint.ts";
import { cosign } from "../../../protocol/note.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { env } from "../../worker/environment.ts";

const workspace = nonceOf("table");
const table = new CheckpointTable(env.DB, workspace);
const hosts = ["h-one", "h-two"];
const AT = 1_700_000_000;

async function signed(size: number): Promise<string> {
  return signCheckpoint({ workspace, size, root: new Uint8Array(32).fill(size) }, await seedNoteSigner(nonceOf("key")));
}

async function cosignAs(host: string, size: number, at = AT): Promise<void> {
  const text = checkpointText({ workspace, size, root: new Uint8Array(32).fill(size) });
  const { bytes } = await cosign({ text, name: witnessName(workspace, host), at }, await seedNoteSigner(nonceOf(host)));
  await table.addCosignature({ host, size, line: toBase64url(bytes), note: `${host} ${size}`, at });
}

beforeAll(async () => {
  for (const size of [10, 20, 30]) await table.insert({ size, note: await signed(size), at: AT + size }, []);
  await new CheckpointTable(env.DB, nonceOf("other")).insert({ size: 99, note: "another workspace's", at: AT }, []);
});

describe("CheckpointTable", () => {
  it("finds the newest, the one of a size, and the newest up to a size", async () => {
    expect(await table.newest()).toEqual({ size: 30, note: await signed(30), at: AT + 30 });
    expect(await table.at(20)).toMatchObject({ size: 20 });
    expect(await table.at(21)).toBeUndefined();
    expect(await table.newestUpTo(29)).toMatchObject({ size: 20 });
    expect(await table.newestUpTo(9)).toBeUndefined();
    expect(await new CheckpointTable(env.DB, nonceOf("none")).newest()).toBeUndefined();
    expect(await new CheckpointTable(env.DB, nonceOf("none")).list(5)).toEqual([]);
  });

  it("lists the newest first, each with the ledger key's line and every host's, which verify", async () => {
    for (const host of hosts) await cosignAs(host, 20);
    await cosignAs("h-one", 30);
    const listed = await table.list(2);
    expect(listed.map(({ size }) => size)).toEqual([30, 20]);
    const ledgerKey = (await seedNoteSigner(nonceOf("key"))).publicKey;
    for (const { size, note } of listed) {
      const opened = await openCheckpoint(note, { workspace, ledgerKey });
      if (typeof opened === "string") throw new Error(opened);
      for (const host of hosts) {
        const { publicKey: cosignKey } = await seedNoteSigner(nonceOf(host));
        expect(await cosignedBy(opened, { host, cosignKey })).toBe(host === "h-two" && size === 30 ? undefined : AT);
      }
    }
  });

  it("keeps each host's newest, whatever comes late or again", async () => {
    await cosignAs("h-one", 10);
    await cosignAs("h-two", 20, AT + 5);
    expect(await table.witnesses()).toEqual([
      { host: "h-one", size: 30, note: "h-one 30", at: AT },
      { host: "h-two", size: 20, note: "h-two 20", at: AT + 5 },
    ]);
  });
});
