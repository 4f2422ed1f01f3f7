/**
 * The activity page on a real edge: a person reads the log, narrows it, opens a proof, takes the proof and a copy away,
 * and both are checked by the installed program without asking anybody.
 */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Browser, Download, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchChromium, sitDown, type Person } from "./browser.ts";
import { clawhold } from "./faults/program.ts";
import { check, startTown, type Town } from "./faults/town.ts";
import { receiptOf } from "./operator.ts";
import { shoot } from "./pictures.ts";

const PORT = 24_860;

let town: Town;
let browser: Browser;
let owner: Person;
let page: Page;
let main: Locator;

beforeAll(async () => {
  town = await startTown({ port: PORT });
  for (let i = 0; i < 3; i += 1) expect(receiptOf(await check(town.operator, town.host))?.verdict).toBe("executed");
  browser = await launchChromium();
  owner = await sitDown(browser);
  ({ page } = owner);
  await owner.authenticator.hold(town.operator.credential);
  await page.goto(town.operator.origin);
  await page.getByRole("button", { name: /Sign in with a passkey/ }).click();
  await page.getByRole("link", { name: "Fleet" }).first().waitFor();
  main = page.getByRole("main");
});

afterAll(async () => {
  await browser?.close();
  await town?.stop();
});

async function open(query = ""): Promise<void> {
  await page.goto(`${town.operator.origin}/activity${query}`);
  await main.getByRole("heading", { name: "Activity", level: 1 }).waitFor();
}

async function saved(download: Promise<Download>): Promise<string> {
  const file = await download;
  const place = path.join(town.dataDir, file.suggestedFilename());
  await file.saveAs(place);
  return place;
}

describe("the activity page", () => {
  it("verifies the whole of a small log, and says who witnesses it", async () => {
    await open();
    await main.getByText(/All \d+ entries verified in this browser/).waitFor();
    await main.getByText("Never witnessed").first().waitFor();
    await main.getByText("No host away from the edge.").waitFor(); // the only host runs beside it
    await main.getByText(/Looking now/).waitFor();
    expect(await main.getByText("you", { exact: true }).count()).toBe(1);
    expect(await main.getByRole("row").count()).toBeGreaterThan(5);
    await shoot(page, "activity-real");
  });

  it("shows what is written meanwhile, without a reload", async () => {
    await open();
    const sentences = main.getByText(/checked the command path/);
    await sentences.first().waitFor();
    const before = await sentences.count();
    await check(town.operator, town.host);
    await expect.poll(() => sentences.count(), { timeout: 30_000 }).toBeGreaterThan(before);
  });

  it("finds by kind and by host, each entry proven by itself", async () => {
    await open("?show=commands");
    await main.getByText(/Each entry is proven by itself/).waitFor();
    await main
      .getByText(/approved: /)
      .first()
      .waitFor();
    expect(await main.getByText("Does not add up").count()).toBe(0);
    expect(await main.getByText(/signed in$/).count()).toBe(0);
    await open(`?host=${town.host}&action=command.receipt`);
    await main
      .getByText(/checked the command path/)
      .first()
      .waitFor();
    await expect.poll(() => main.getByText("Verified", { exact: true }).count()).toBeGreaterThan(2);
  });

  it("lists the signatures, and goes through them by keyboard alone", async () => {
    await open("?show=signatures");
    await main.getByText("Verified here", { exact: true }).first().waitFor();
    await main.getByRole("row").first().getByRole("link").focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("j");
    expect(
      await page.evaluate(() => document.activeElement?.closest("[data-position]")?.getAttribute("data-position")),
    ).toBe("2");
    await page.keyboard.press("Enter");
    await main.getByRole("heading", { name: /^Entry #/ }).waitFor();
  });
});

describe("an address that an administrator erases", () => {
  it("is gone from its entry after one touch, and the log says who let it go", async () => {
    await open("?show=sign-ins");
    await main
      .getByText(/signed in$/)
      .first()
      .click();
    await main.getByText("Source address fits the commitment in the entry").waitFor();
    await main.getByText("Erase a personal value").click();
    await main.getByRole("button", { name: /Erase the address/ }).click();
    await main.getByText(/Not shown: address, erased or kept back/).waitFor();
    await open();
    await main
      .getByText(/erased the address of entry/)
      .first()
      .waitFor();
  });
});

/** A hash may begin with any letter: what is put there must be another one. */
const otherLetter = (_: string, first: string): string => `"hash":"${first === "A" ? "B" : "A"}`;

describe("what a person takes away", () => {
  it("is a proof of one command that verifies alone, and not after one letter changed", async () => {
    await open("?show=commands");
    await main
      .getByText(/checked the command path/)
      .first()
      .click();
    await main.getByText("That log is signed by the ledger key that the trust log names").waitFor();
    await main.getByText("Receipt signed by the host's own key").waitFor();
    expect(await main.getByText(/, failed$/).count()).toBe(0);
    const download = page.waitForEvent("download");
    await main.getByRole("button", { name: "Proof file" }).click();
    const file = await saved(download);
    const good = await clawhold(["verify", file]);
    expect(good.out + good.err).toMatch(/verif/i);
    expect(good.code).toBe(0);
    const bent = `${file}.bent`;
    await writeFile(bent, (await readFile(file, "utf8")).replace(/"hash":"(.)/, otherLetter));
    expect((await clawhold(["verify", bent])).code).not.toBe(0);
  });

  it("is a copy of everything, after one touch, which the log has", async () => {
    await open();
    await main.getByRole("button", { name: "Export" }).click();
    const download = page.waitForEvent("download");
    await page
      .getByRole("dialog")
      .getByRole("button", { name: /Take the copy/ })
      .click();
    const file = await saved(download);
    expect((await clawhold(["verify", file])).code).toBe(0);
    await page.keyboard.press("Escape");
    await main
      .getByText(/took a copy of this log/)
      .first()
      .waitFor();
  });
});

describe("the page itself", () => {
  it("complained about nothing", () => {
    expect(owner.complaints).toEqual([]);
  });
});
