import { describe, expect, it } from "vitest";
import { edgeSeconds } from "../../../durable-objects/clock.ts";
import type { StoredCheckpoint, Witness } from "../../../durable-objects/db/checkpoint-table.ts";
import { checkpointText, logOrigin, witnessName } from "../../../protocol/checkpoint.ts";
import { emptyRoot } from "../../../protocol/merkle.ts";
import { encodeNote } from "../../../protocol/note.ts";
import { coveringCheckpoint } from "../../../worker/export/covering.ts";
import { nonceOf } from "../../fixtures/keys.ts";

const workspace = nonceOf("workspace");
const size = 7;
const noteOf = (...hosts: readonly string[]): string =>
  encodeNote({
    text: checkpointText({ workspace, size, root: emptyRoot() }),
    signatures: [logOrigin(workspace), ...hosts.map((host) => witnessName(workspace, host))].map((name) => ({
      name,
      bytes: new Uint8Array(68),
    })),
  });
const stored = (note: string): StoredCheckpoint => ({ size, note, at: 1 });
const host = (id: string, colocated = false) => ({ id, colocated });
const awake = (id: string): Witness => ({ host: id, size: 5, note: "", at: edgeSeconds() - 60 });

/** `looks`: what is listed at each look; the last one stays. */
function tableOf(looks: readonly (readonly StoredCheckpoint[])[], seen: readonly Witness[]) {
  let look = 0;
  return {
    workspace,
    list: () => Promise.resolve(looks[Math.min(look++, looks.length - 1)] ?? []),
    witnesses: () => Promise.resolve(seen),
    looks: () => look,
  };
}

const hosts = [host("h-one"), host("h-two"), host("h-three"), host("h-beside", true)];
const checkpoint = { size, note: noteOf() };
const now = (): Promise<void> => Promise.resolve();

describe("the checkpoint of a copy", () => {
  it("is waited for until more than half of the hosts that count are under it", async () => {
    const looks = [noteOf(), noteOf("h-one"), noteOf("h-one", "h-beside"), noteOf("h-one", "h-two")];
    const table = tableOf(
      looks.map((note) => [stored(note)]),
      [awake("h-one"), awake("h-two")],
    );
    expect(await coveringCheckpoint(table, { checkpoint, hosts }, now)).toMatchObject({ note: looks[3] });
    expect(table.looks()).toBe(4);
  });

  it("is not waited for where too few have been awake, or none counts", async () => {
    const asleep = { ...awake("h-two"), at: edgeSeconds() - 2 * 86_400 };
    for (const [seen, among] of [
      [[awake("h-one")], hosts],
      [[awake("h-one"), asleep], hosts],
      [[awake("h-beside")], [host("h-beside", true)]],
      [[], []],
    ] as const) {
      const table = tableOf([[stored(noteOf())]], seen);
      await coveringCheckpoint(table, { checkpoint, hosts: among }, now);
      expect(table.looks()).toBe(1);
    }
  });

  it("is not waited for for ever", async () => {
    const table = tableOf([[stored(noteOf())]], [awake("h-one"), awake("h-two")]);
    expect(await coveringCheckpoint(table, { checkpoint, hosts }, now)).toMatchObject({ note: checkpoint.note });
    expect(table.looks()).toBe(10);
  });

  it("is the one of its own size, as it was when nothing is listed any more", async () => {
    const other = { size: 9, note: noteOf("h-one"), at: 1 };
    expect((await coveringCheckpoint(tableOf([[other]], []), { checkpoint, hosts }, now)).note).toBe(checkpoint.note);
  });
});
