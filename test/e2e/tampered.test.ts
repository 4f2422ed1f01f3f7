/**
 * Somebody edits the database of a running edge, triggers and all. The real page, asked again, has to say so itself:
 * which entry, and only what verifies called verified. What bends there are is in test/attack/tampering.ts.
 */
import type { Browser, Locator } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchChromium, sitDown, type Person } from "./browser.ts";
import { check, sql, startTown, type Town } from "./faults/town.ts";
import { receiptOf } from "./operator.ts";
import { shoot } from "./pictures.ts";

const PORT = 25_130;

let town: Town;
let browser: Browser;
let owner: Person;
let main: Locator;

beforeAll(async () => {
  town = await startTown({ port: PORT });
  expect(receiptOf(await check(town.operator, town.host))?.verdict).toBe("executed");
  browser = await launchChromium();
  owner = await sitDown(browser);
  await owner.authenticator.hold(town.operator.credential);
  await owner.page.goto(town.operator.origin);
  await owner.page.getByRole("button", { name: /Sign in with a passkey/ }).click();
  await owner.page.getByRole("link", { name: "Fleet" }).first().waitFor();
  main = owner.page.getByRole("main");
});

afterAll(async () => {
  await browser?.close();
  await town?.stop();
});

async function edit(...statements: readonly string[]): Promise<void> {
  for (const statement of statements) await sql(town.dataDir, statement);
}

/** The activity page as somebody sees it who opens it now. */
async function read(): Promise<void> {
  await owner.page.goto(`${town.operator.origin}/activity`);
  await main.getByText("checked the command path").first().waitFor();
}

async function proofOfReceipt(): Promise<string> {
  await read();
  await main
    .getByText(/checked the command path/)
    .first()
    .click();
  const drawer = owner.page.getByText("Receipt signed by the host's own key").first();
  await drawer.waitFor();
  return main.innerText();
}

describe("a database that somebody edited", () => {
  it("refuses the edit until its triggers are gone, and the page verifies what is there", async () => {
    await expect(edit("UPDATE ledger SET body = '{}' WHERE idx = 3")).rejects.toThrow("ledger_append_only");
    await read();
    await main.getByText(/All \d+ entries verified in this browser/).waitFor();
    expect(await proofOfReceipt()).not.toMatch(/does not verify|does not add up/);
  });

  it("is found by the browser at the entry that was changed", async () => {
    await edit("DROP TRIGGER ledger_update", `UPDATE ledger SET body = replace(body, '"at":', '"at":1') WHERE idx = 3`);
    await owner.page.goto(`${town.operator.origin}/activity`);
    await main.getByText("The ledger does not add up at entry #3.").waitFor();
    await shoot(owner.page, "tampered-ledger");
    const text = await main.innerText();
    expect(text).toContain("Entry 3 was changed after it was written.");
    expect(text).not.toMatch(/All \d+ entries verified/);
    expect(text).toMatch(/Entry 3 was changed after it was written\.\s+#3\s+Does not add up/);
    // The others have places of their own in the signed log: one bent entry takes nothing from them.
    expect(text).toMatch(/checked the command path[^]*#4\s[^]*Verified[^]*#3\s+Does not add up[^]*#2\s[^]*Verified/);
    await edit(`UPDATE ledger SET body = replace(body, '"at":1', '"at":') WHERE idx = 3`);
    await read();
    await main.getByText(/All \d+ entries verified in this browser/).waitFor();
  });

  it("is found by the browser where a receipt's signature was exchanged", async () => {
    await edit(
      "DROP TRIGGER receipts_update",
      "UPDATE receipts SET signature = iif(substr(signature, 1, 1) = 'A', 'B', 'A') || substr(signature, 2)",
    );
    const text = await proofOfReceipt();
    await shoot(owner.page, "tampered-receipt");
    expect(text).toContain("the host's signature does not verify");
  });
});
