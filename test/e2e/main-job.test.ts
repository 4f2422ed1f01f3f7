/**
 * The main job as a newcomer does it: setup link, passkey, this machine with its real gateway, restart by one touch,
 * and the record of it, verified by the browser. Real workerd, real agent process, real gateway, real Chromium.
 */
import { mkdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { launchChromium, plugInSecondDevice, sitDown, type Person } from "./browser.ts";
import { gatewayInstall } from "./gateway.ts";
import { temporaryDirectory, Up } from "./installation.ts";
import { shoot } from "./pictures.ts";

const PORT = 24_470;
const BOOT = /boot ([0-9A-Za-z-]{8,})/;

describe("from the setup link to a verified restart", () => {
  const data = temporaryDirectory("main-job");
  let up: Up;
  let browser: Browser;
  let owner: Person;
  let setupUrl = "";

  beforeAll(async () => {
    // The gateway's packages are fetched once for all tests: a first start makes the directory, a link brings them.
    const ports = { dataDir: data.path, port: PORT, agentPort: PORT + 1 };
    const first = new Up({ ...ports, gateway: "none" });
    await first.event((said) => said.event === "setup");
    await first.stop();
    const demo = path.join(data.path, "demo");
    mkdirSync(demo, { recursive: true, mode: 0o700 });
    const installed = await gatewayInstall();
    symlinkSync(installed, path.join(demo, path.basename(installed)));
    up = new Up({ ...ports, gateway: "demo" });
    browser = await launchChromium();
    owner = await sitDown(browser);
  });

  afterAll(async () => {
    await browser?.close();
    await up?.stop();
    data.remove();
  });

  afterEach(async ({ task }) => {
    if (task.result?.state !== "fail") return;
    await shoot(owner.page, "e2e-failure");
    console.log(
      [...owner.complaints, ...up.stderr.slice(-15), ...up.events.slice(-8).map((said) => said.event)].join("\n"),
    );
  });

  it("prints a one-time setup link whose secret is in the fragment", async () => {
    const event = await up.event((said) => said.event === "setup");
    setupUrl = String(event["url"]);
    const url = new URL(setupUrl);
    expect(url.origin).toBe(`http://clawhold.localhost:${PORT}`);
    expect(url.search).toBe("");
    expect(url.hash).toContain("seed=");
  });

  it("makes the first passkey, signs the root with the first sign-in, and admits this machine", async () => {
    const { page } = owner;
    await page.goto(setupUrl);
    await page.getByLabel("What should the log call you?").fill("Ada");
    expect(new URL(page.url()).hash).toBe("");
    await shoot(page, "e2e-setup-1");
    await page.getByRole("button", { name: /Create passkey/ }).click();
    await page.getByRole("button", { name: /Sign in with the passkey/ }).click();
    const admit = page.getByRole("button", { name: /They match, admit/ });
    await admit.waitFor();
    const words = await page.locator(".words li").allTextContents();
    const said = await up.event((event) => event.event === "words");
    expect(words.map((word) => word.replace(/^\d+/, "").trim())).toEqual(said["words"]);
    await shoot(page, "e2e-setup-3");
    await admit.click();
    await page.waitForURL((url) => url.pathname !== "/setup");
    expect(await owner.authenticator.credentialCount()).toBe(1);
  });

  it("refuses the setup link a second time, with a sentence and the next step", async () => {
    const stranger = await sitDown(browser);
    await stranger.page.goto(setupUrl);
    const main = stranger.page.getByRole("main");
    await main.getByRole("heading", { name: "This link was used before" }).waitFor();
    await shoot(stranger.page, "e2e-setup-used");
    expect(await main.innerText()).toContain("sign in");
    await stranger.context.close();
  });

  it("shows this machine with its real gateway: version, sessions, tokens, cost, where it listens", async () => {
    const { page } = owner;
    await page.goto(`http://clawhold.localhost:${PORT}/`);
    await page.locator("table .host-name a, [role=table] .host-name a").first().waitFor();
    await shoot(page, "e2e-fleet");
    await page.locator("table .host-name a, [role=table] .host-name a").first().click();
    await up.event((said) => said.event === "demo-ready");
    await page.getByText("OpenClaw 2026.9.6").first().waitFor({ timeout: 60_000 });
    await page.getByText("this machine only").first().waitFor();
    await page.getByText("demo", { exact: false }).first().waitFor();
    // The gateway counts lazily: cost appears once its cache is fresh.
    await page
      .getByText(/\$\d+\.\d\d|<\$0\.01/)
      .first()
      .waitFor({ timeout: 120_000 });
    await expect
      .poll(() => page.getByText("Tokens today").first().locator("..").innerText(), { timeout: 120_000 })
      .toMatch(/[1-9]/);
    await shoot(page, "e2e-host");
  });

  it("restarts the gateway with one touch and sees a new boot id, with the host's receipt", async () => {
    const { page } = owner;
    const before = BOOT.exec(await page.getByRole("main").innerText())?.[1];
    expect(before).toBeDefined();
    await page.getByRole("button", { name: "Restart" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("stops and starts again").first().waitFor();
    await shoot(page, "e2e-dialog");
    const approve = dialog.getByRole("button", { name: /Approve with passkey/ });
    await dialog.locator(".approve:not([aria-disabled])").waitFor(); // a press counts once the button was seen
    await approve.click();
    await dialog
      .getByText(/restarted/i)
      .first()
      .waitFor({ timeout: 120_000 });
    await shoot(page, "e2e-dialog-receipt");
    expect(await dialog.innerText()).toMatch(/Verified/i);
    await page.keyboard.press("Escape");
    await expect
      .poll(async () => BOOT.exec(await page.getByRole("main").innerText())?.[1], { timeout: 60_000 })
      .not.toBe(before);
  });

  it("shows who did what, when, from where, and verifies it in the browser", async () => {
    const { page } = owner;
    await page.goto(`http://clawhold.localhost:${PORT}/activity`);
    const main = page.getByRole("main");
    await main
      .getByText(/restarted the gateway/)
      .first()
      .waitFor();
    await main.getByText(/entries verified in this browser/).waitFor();
    const text = await main.innerText();
    expect(text).toContain("Ada");
    expect(text).toMatch(/127\.0\.0\.1|::1/);
    await main
      .getByText(/restarted the gateway/)
      .first()
      .click();
    await page.getByText("Verified here.", { exact: true }).first().waitFor();
    await page
      .getByText(/Receipt signed by the host/)
      .first()
      .waitFor();
    await page
      .getByText(/Approved by a passkey of the trust log/)
      .first()
      .waitFor();
    expect(await main.innerText()).not.toMatch(/does not add up|not verified/i);
    await shoot(page, "e2e-activity");
  });

  it("adds a second passkey with two touches", async () => {
    const { page } = owner;
    await page.goto(`http://clawhold.localhost:${PORT}/people`);
    const second = await plugInSecondDevice(owner);
    await owner.authenticator.setPresence(true);
    await page.getByRole("button", { name: /Add a second passkey/ }).click();
    await expect.poll(() => second.credentialCount(), { timeout: 30_000 }).toBe(1);
    await page
      .getByText(/2 passkeys/i)
      .first()
      .waitFor();
    await shoot(page, "e2e-people");
  });

  it("signs out, and in again with one touch", async () => {
    const { page } = owner;
    await page.goto(`http://clawhold.localhost:${PORT}/`);
    await page.getByRole("button", { name: /signed in$/ }).click();
    await page.getByText("Sign out").first().click();
    await page.getByRole("button", { name: /Sign in with a passkey/ }).waitFor();
    await shoot(page, "e2e-sign-in");
    await page.getByRole("button", { name: /Sign in with a passkey/ }).click();
    await page.getByRole("link", { name: "Fleet" }).first().waitFor();
  });

  it("asked nothing of any other host name, and the pages complained about nothing", () => {
    expect([...owner.asked]).toEqual([`clawhold.localhost:${PORT}`]);
    // A look at the log that was under way when the session ended is answered 401, which Chromium writes to its console.
    expect(owner.complaints.filter((text) => !/status of 401/.test(text))).toEqual([]);
  });
});
