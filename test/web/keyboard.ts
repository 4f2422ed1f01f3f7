/**
 * The main jobs by keyboard alone, in Chromium: what a key does, what no key does, and where focus is afterwards.
 * Run: `node test/web/keyboard.ts`.
 */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { openFixtureSite } from "./fixture-site.ts";

const site = await openFixtureSite();
const focused = (page: Page) =>
  page.evaluate(() => document.activeElement?.id || document.activeElement?.textContent?.trim() || "nothing");

/** `R`, then Enter held down: the dialog opens, and the held key approves nothing. */
async function restart(): Promise<void> {
  const page = await site.open("dialog-done");
  await page.keyboard.press("r");
  const approve = page.getByRole("button", { name: "Approve with passkey" });
  await approve.waitFor();
  assert.match(await focused(page), /^Approve with passkey/);
  await page.keyboard.press("Enter");
  assert.equal(
    await page.getByRole("heading", { name: "Restart the gateway on vps-1?" }).count(),
    1,
    "too early to count",
  );
  await page.locator(".approve:not([aria-disabled])").waitFor();
  await page.keyboard.down("Enter");
  await page.getByRole("heading", { name: "vps-1 restarted" }).waitFor();
  await page.keyboard.up("Enter");
  await focusComesTo(page, "approval-title");
  await page.keyboard.press("Escape");
  await page.locator("dialog").waitFor({ state: "detached" });
  await focusComesTo(page, "main");
  await page.context().close();
}

/** Focus moves with the frame after a dialog went; a person does not notice, a script does. */
async function focusComesTo(page: Page, name: string): Promise<void> {
  for (let look = 0; look < 50 && (await focused(page)) !== name; look += 1) await page.waitForTimeout(20);
  assert.equal(await focused(page), name);
}

/** A key that is still down from the button before must not reach the approve button. */
async function heldKey(): Promise<void> {
  const page = await site.open("dialog-done");
  await page.getByRole("button", { name: "Restart" }).focus();
  await page.keyboard.down("Enter");
  await page.locator(".approve:not([aria-disabled])").waitFor();
  for (let repeat = 0; repeat < 5; repeat += 1) await page.keyboard.down("Enter");
  await page.keyboard.up("Enter");
  assert.equal(await page.getByRole("heading", { name: "Restart the gateway on vps-1?" }).count(), 1);
  await page.keyboard.press("Escape");
  await page.locator("dialog").waitFor({ state: "detached" });
  await focusComesTo(page, "Restart");
  await page.context().close();
}

/** A click that no person made. */
async function scriptedClick(): Promise<void> {
  const page = await site.open("dialog-done");
  await page.keyboard.press("r");
  const approve = page.locator(".approve:not([aria-disabled])");
  await approve.waitFor();
  await approve.evaluate((button: HTMLButtonElement) => button.click());
  assert.equal(await page.getByRole("heading", { name: "Restart the gateway on vps-1?" }).count(), 1);
  await page.context().close();
}

/** Something drawn over the button: the time starts again when it is gone. */
async function coveredButton(): Promise<void> {
  const page = await site.open("dialog-done");
  await page.keyboard.press("r");
  await page.locator(".approve:not([aria-disabled])").waitFor();
  await page.evaluate(() => {
    const cover = document.createElement("dialog");
    cover.id = "cover";
    cover.className = "dialog";
    cover.append("covers");
    document.body.append(cover);
    cover.showModal();
  });
  await page.locator(".approve[aria-disabled]").waitFor();
  await page.evaluate(() => document.getElementById("cover")?.remove());
  await page.locator(".approve:not([aria-disabled])").waitFor();
  await page.context().close();
}

async function pages(): Promise<void> {
  const page = await site.open("fleet");
  await page.keyboard.press("g");
  await page.keyboard.press("y");
  await page.getByRole("heading", { name: "Activity", level: 1 }).waitFor();
  await focusComesTo(page, "main");
  assert.match(page.url(), /\/activity$/);
  assert.equal(await page.title(), "Activity · Clawhold");
  await page.keyboard.press("/");
  await page.keyboard.type("#17");
  assert.match(page.url(), /q=%2317$/);
  assert.equal(await page.getByRole("searchbox").inputValue(), "#17", "a key is a letter while somebody types");
  await page.locator('.rows [role="row"]', { hasText: "#17" }).locator('.say[tabindex="0"]').focus();
  await page.keyboard.press("Enter");
  await page.getByRole("complementary").waitFor();
  await focusComesTo(page, "proof-title");
  assert.match(page.url(), /entry=17/);
  await page.keyboard.press("Escape");
  await page.getByRole("complementary").waitFor({ state: "detached" });
  assert.doesNotMatch(page.url(), /entry/);
  await page.goBack();
  await page.getByRole("complementary").waitFor();
  await page.context().close();
}

/** To the alerts, and one taken, without a pointer; what went wrong is said. */
async function alerts(): Promise<void> {
  const page = await site.open("alerts");
  await page.keyboard.press("g");
  await page.keyboard.press("f");
  await page.getByRole("heading", { name: "Fleet", level: 1 }).waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("l");
  await page.getByRole("heading", { name: "Alerts", level: 1 }).waitFor();
  await focusComesTo(page, "main");
  await page.getByRole("button", { name: /^Acknowledge: A second machine/ }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("status").filter({ hasText: "The control plane does not answer." }).waitFor();
  await page.getByRole("button", { name: /^Resolved/ }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "vps-2 was shown two histories of who may do what" }).waitFor();
  assert.match(page.url(), /\/alerts\?show=resolved$/);
  await page.context().close();
}

async function list(): Promise<void> {
  const page = await site.open("people");
  await page.keyboard.press("?");
  await page.getByRole("heading", { name: "Keys" }).waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("f");
  assert.match(page.url(), /\/people$/, "keys rest while a dialog is open");
  await page.keyboard.press("Escape");
  await page.locator("dialog").waitFor({ state: "detached" });
  await page.context().close();
}

/** A change of the trust log: the dialog opens on its heading, a held key approves nothing, focus comes back. */
async function statement(): Promise<void> {
  const page = await site.open("people-team");
  await page.locator("summary", { hasText: "ops-4" }).focus();
  await page.keyboard.press("Enter");
  const revoke = page.getByRole("button", { name: "Revoke ops-4" });
  await revoke.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Revoke ops-4?" }).waitFor();
  await focusComesTo(page, "statement-title");
  await page.locator(".approve:not([aria-disabled])").waitFor();
  await page.keyboard.press("Enter");
  assert.equal(await page.getByRole("heading", { name: "Revoke ops-4?" }).count(), 1, "Enter on a heading is nothing");
  await page.keyboard.press("Escape");
  await page.locator("dialog").waitFor({ state: "detached" });
  await focusComesTo(page, "Revoke ops-4…");
  await page.context().close();
}

/** Picking by keyboard: Space picks, Shift takes the range, Escape closes the dialog first and then clears. */
async function fleet(): Promise<void> {
  const page = await site.open("fleet-picked");
  await page.getByRole("checkbox", { name: "Pick vps-5" }).focus();
  await page.keyboard.press("Space");
  await page.getByText("1 host picked").waitFor();
  await page.getByRole("checkbox", { name: "Pick vps-2", exact: true }).focus();
  await page.keyboard.down("Shift");
  await page.keyboard.press("Space");
  await page.keyboard.up("Shift");
  await page.getByText("4 hosts picked").waitFor();
  const check = page.getByRole("button", { name: "Check the way" });
  await check.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Check the way to 4 hosts?" }).waitFor();
  await focusComesTo(page, "approval-title");
  await page.keyboard.press("Escape");
  await page.locator("dialog").waitFor({ state: "detached" });
  await page.getByText("4 hosts picked").waitFor();
  await page.keyboard.press("Escape");
  await page.getByText("4 hosts picked").waitFor({ state: "detached" });
  await page.context().close();
}

/** A page that does not arrive is said and asked for again; after an update only a reload helps, and that is said. */
async function latePages(): Promise<void> {
  const page = await site.open("fleet");
  const fetched: string[] = [];
  page.on("request", (request) => fetched.push(new URL(request.url()).pathname.replace(/-.*/, "")));
  await page
    .locator("nav")
    .getByRole("link", { name: /^Activity/ })
    .focus();
  await until(() => fetched.includes("/activity"));
  await page.route(/\/people-/, (route) => route.abort());
  await page
    .locator("nav")
    .getByRole("link", { name: /^People/ })
    .focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "This page did not arrive" }).waitFor();
  const retry = page.getByRole("button", { name: "Retry" });
  assert.equal(await page.getByRole("button", { name: "Reload" }).count(), 0);
  await retry.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Reload" }).waitFor();
  await page.unroute(/\/people-/);
  await retry.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "People", level: 1 }).waitFor();
  assert.equal(fetched.includes("/roles"), false, "what nobody goes to is not fetched");
  await updated(page);
  await page.context().close();
}

async function until(isSo: () => boolean): Promise<void> {
  for (let look = 0; look < 250 && !isSo(); look += 1) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(isSo());
}

/** The address serves another version from here on: what is open stays, what is not says why. */
async function updated(page: Page): Promise<void> {
  await page.route(/\/alerts-|\/chunk-/, (route) => route.fulfill({ status: 404, body: "" }));
  await page.route(/\/$/, (route) =>
    route.fulfill({ contentType: "text/html", body: '<script type="module" src="/app-AAAAAAAA.js"></script>' }),
  );
  await page
    .locator("nav")
    .getByRole("link", { name: /^Alerts/ })
    .focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "A newer version is here" }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Retry" }).count(), 0);
  await page
    .locator("nav")
    .getByRole("link", { name: /^People/ })
    .click();
  await page.getByRole("heading", { name: "People", level: 1 }).waitFor();
  await page.getByRole("status").filter({ hasText: "A newer version is here." }).waitFor();
}

/** A host's tabs: to one, to a thing of its list, its command and back; sorting and searching by keys. */
async function tabs(): Promise<void> {
  const page = await site.open("tab-schedule");
  await page.getByRole("link", { name: "nightly report" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Scheduled job" }).waitFor();
  await focusComesTo(page, "detail");
  assert.match(page.url(), /\/schedule\?of=j-1+$/);
  const list = page.getByRole("table", { name: "Scheduled jobs" });
  await list.getByRole("button", { name: "Disable… nightly report" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Disable a scheduled job on vps-1?" }).waitFor();
  await page.locator("dialog").getByText("The host calls it nightly report").waitFor();
  await page.keyboard.press("Escape");
  await page.locator("dialog").waitFor({ state: "detached" });
  await focusComesTo(page, "Disable… nightly report");
  await page.keyboard.press("Escape");
  await page.getByRole("heading", { name: "Scheduled job" }).waitFor({ state: "detached" });
  await page.getByRole("navigation", { name: "Parts of vps-1" }).getByRole("link", { name: "Sessions" }).focus();
  await page.keyboard.press("Enter");
  const rows = page.getByRole("table", { name: "Sessions" }).getByRole("rowheader");
  await rows.first().waitFor();
  await page.getByRole("button", { name: "Tokens" }).focus();
  await page.keyboard.press("Enter");
  assert.match(page.url(), /sort=-tokens/);
  assert.match((await rows.first().textContent()) ?? "", /telegram/);
  await page.keyboard.press("/");
  await page.keyboard.type("slack");
  assert.equal(await rows.count(), 1);
  await page.context().close();
}

const jobs = [tabs, restart, heldKey, scriptedClick, coveredButton, pages, alerts, list, statement, fleet, latePages];
for (const job of jobs) {
  await job();
  console.log(`${job.name}: as it should be`);
}
await site.stop();
