import { appendFileSync, chmodSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Journal } from "../../../../agent/host/warden/journal.ts";
import { makeReceipt, type ReceiptDraft, type StoredReceipt } from "../../../../agent/host/warden/receipts.ts";
import { JOURNAL_SECONDS } from "../../../../protocol/limits.ts";
import { NO_REVOCATIONS } from "../../../../protocol/trust/state.ts";
import { nonceOf, signerOf } from "../../../fixtures/keys.ts";
import { NOW } from "../../../fixtures/workspace.ts";
import { temporary } from "./rig.ts";

let directory: string;
let path: string;
beforeEach(() => {
  directory = temporary();
  path = join(directory, "journal.jsonl");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const open = (now = NOW): Journal => Journal.open({ path, now });
const trustHead = { n: 0, hash: nonceOf("root"), revoked: NO_REVOCATIONS };

async function receiptFor(
  journal: Journal,
  intent: string,
  change: Partial<ReceiptDraft> = {},
): Promise<StoredReceipt> {
  const draft: ReceiptDraft = {
    intent: nonceOf(intent),
    verdict: "executed",
    started: NOW,
    ended: NOW,
    observed: {},
    ...change,
  };
  return makeReceipt(draft, journal.position, {
    workspace: nonceOf("workspace"),
    host: "h-test",
    trustHead,
    signer: await signerOf("host"),
  });
}

async function run(journal: Journal, intent: string, at = NOW): Promise<StoredReceipt> {
  journal.started({ intent: nonceOf(intent), operation: "gateway.restart@1", at, gatewayBoot: "boot-0001" });
  const stored = await receiptFor(journal, intent, { started: at, ended: at });
  journal.ended(stored);
  return stored;
}

describe("what it remembers", () => {
  it("knows what began and what became of it, across starts", async () => {
    const first = open();
    const stored = await run(first, "one");
    first.started({ intent: nonceOf("two"), operation: "gateway.restart@1", at: NOW, gatewayBoot: "boot-0002" });
    first.close();
    const journal = open();
    expect(journal.known(nonceOf("one"), undefined)).toBe(nonceOf("one"));
    expect(journal.receiptOf(nonceOf("one"))).toEqual(stored);
    expect(journal.unfinished()).toEqual([
      { intent: nonceOf("two"), operation: "gateway.restart@1", at: NOW, gatewayBoot: "boot-0002" },
    ]);
    expect(journal.known(nonceOf("three"), undefined)).toBeUndefined();
    journal.close();
  });

  it("keeps refusals in the chain and their intents unknown", async () => {
    const first = open();
    first.refused(await receiptFor(first, "no", { verdict: "refused", code: "clock" }));
    first.close();
    const journal = open();
    expect(journal.known(nonceOf("no"), undefined)).toBeUndefined();
    expect(journal.position.number).toBe(1);
    expect(journal.unacked()).toHaveLength(1);
    journal.close();
  });

  it("forgets to repeat what was confirmed", async () => {
    const first = open();
    await run(first, "one");
    await run(first, "two");
    first.acked(1);
    first.acked(99);
    first.close();
    const journal = open();
    expect(journal.unacked().map((stored) => stored.receipt.number)).toEqual([2]);
    journal.close();
  });

  it("begins an intent once, and ends only what began", async () => {
    const journal = open();
    await run(journal, "one");
    expect(() => journal.started({ intent: nonceOf("one"), operation: "gateway.restart@1", at: NOW })).toThrow(
      TypeError,
    );
    const stray = await receiptFor(journal, "never begun");
    expect(() => journal.ended(stray)).toThrow(TypeError);
    journal.close();
  });
});

describe("after a crash", () => {
  it("drops a torn last line and says so", async () => {
    const first = open();
    await run(first, "one");
    first.close();
    const whole = readFileSync(path);
    for (const cut of [1, 10, 100]) {
      writeFileSync(
        path,
        Buffer.concat([whole, Buffer.from('{"at":1800000000,"kind":"started","intent":"'.slice(0, cut))]),
      );
      const journal = open();
      expect(journal.tornBytes).toBe(Math.min(cut, 44));
      expect(journal.unfinished()).toEqual([]);
      await run(journal, `after ${String(cut)}`);
      journal.close();
      expect(open().position.number).toBe(2);
      writeFileSync(path, whole);
    }
  });

  it("takes a torn end for an interruption", async () => {
    const first = open();
    await run(first, "one");
    first.close();
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, bytes.length - 20));
    const journal = open();
    expect(journal.unfinished().map((started) => started.intent)).toEqual([nonceOf("one")]);
    expect(journal.position.number).toBe(0);
    journal.close();
  });
});

describe("refuses to start on a damaged journal", () => {
  const damaged = expect.objectContaining({ name: "HostError", code: "journal_damaged" });

  async function three(): Promise<string[]> {
    const journal = open();
    for (const name of ["one", "two", "three"]) await run(journal, name);
    journal.close();
    return readFileSync(path, "utf8").trimEnd().split("\n");
  }
  const write = (lines: readonly string[]): void => writeFileSync(path, lines.map((line) => `${line}\n`).join(""));

  it("for garbage in the middle, naming the line", async () => {
    const lines = await three();
    write([...lines.slice(0, 2), "\u0000\u0000garbage", ...lines.slice(2)]);
    expect(() => open()).toThrow(damaged);
    expect(() => open()).toThrow(/line 3/);
  });

  it("for a missing line", async () => {
    const lines = await three();
    for (const missing of [0, 1, 2, 3]) {
      write(lines.toSpliced(missing, 1));
      expect(() => open(), String(missing)).toThrow(damaged);
    }
  });

  it("for exchanged, repeated and changed lines", async () => {
    const lines = await three();
    const [first = "", second = ""] = lines;
    write([second, first, ...lines.slice(2)]);
    expect(() => open()).toThrow(damaged);
    write([first, first, ...lines.slice(1)]);
    expect(() => open()).toThrow(damaged);
    write([first.replace("gateway.restart@1", "Gateway"), ...lines.slice(1)]);
    expect(() => open()).toThrow(damaged);
    write([first, second.replace(/"body":"..../, '"body":"AAAA'), ...lines.slice(2)]);
    expect(() => open()).toThrow(damaged);
    write([...lines, '{"hash":"x","kind":"head","number":1}']);
    expect(() => open()).toThrow(damaged);
  });

  it("for a file that others can read", async () => {
    await three();
    chmodSync(path, 0o644);
    expect(() => open()).toThrow(expect.objectContaining({ code: "state_exposed" }));
  });
});

describe("pruning", () => {
  it("drops what is older than 90 days and keeps the chain", async () => {
    const old = NOW - JOURNAL_SECONDS - 10;
    const first = open(old);
    await run(first, "old", old);
    await run(first, "old too", old + 1);
    const recent = await run(first, "recent", NOW - 5);
    first.close();
    const before = readFileSync(path).length;
    const journal = open();
    expect(readFileSync(path).length).toBeLessThan(before);
    expect(journal.known(nonceOf("old"), undefined)).toBeUndefined();
    expect(journal.receiptOf(nonceOf("recent"))).toEqual(recent);
    const next = await run(journal, "next");
    expect(next.receipt.number).toBe(4);
    journal.close();
    const again = open();
    expect(again.position.number).toBe(4);
    again.close();
  });

  it("keeps everything for 90 days", async () => {
    const first = open();
    await run(first, "one", NOW - JOURNAL_SECONDS + 60);
    first.close();
    const before = readFileSync(path, "utf8");
    const journal = open();
    expect(readFileSync(path, "utf8")).toBe(before);
    expect(journal.known(nonceOf("one"), undefined)).toBe(nonceOf("one"));
    journal.close();
  });

  it("never drops an intent that has not ended", async () => {
    const old = NOW - JOURNAL_SECONDS - 10;
    const first = open(old);
    await run(first, "done", old);
    first.started({ intent: nonceOf("open"), operation: "gateway.restart@1", at: old });
    first.close();
    appendFileSync(path, "");
    const journal = open();
    expect(journal.unfinished()).toHaveLength(1);
    journal.close();
  });
});
