/**
 * Sessions of two people on five pages: how long each may last, whose they are on the list, all but this one ended with one
 * touch, all of somebody's with one, and a role that ends the session it was for. Real workerd, agent, Chromium.
 */
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { approve } from "./approving.ts";
import { launchChromium, sitDown, type Person } from "./browser.ts";
import { temporaryDirectory, Up } from "./installation.ts";
import { shoot } from "./pictures.ts";

const PORT = 24_850;
const ORIGIN = `http://clawhold.localhost:${PORT}`;
const HOUR = 3_600;

async function visit(page: Page, name: string): Promise<void> {
  await page.goto(`${ORIGIN}/${name}`);
  await page.getByRole("main").getByRole("heading", { level: 1 }).first().waitFor();
}

async function setUp(page: Page, up: Up): Promise<void> {
  const event = await up.event((said) => said.event === "setup");
  await page.goto(String(event["url"]));
  await page.getByLabel("What should the log call you?").fill("Ada");
  await page.getByRole("button", { name: /Create passkey/ }).click();
  await page.getByRole("button", { name: /Sign in with the passkey/ }).click();
  await page.getByRole("button", { name: /They match, admit/ }).click();
  await page.waitForURL((url) => url.pathname !== "/setup");
}

/** Mira enrols on her own page and is added as an operator by Ada. */
async function join(ada: Page, mira: Page): Promise<void> {
  await visit(ada, "people");
  await ada.getByLabel("Whom do you invite?").fill("Mira");
  await ada.getByRole("button", { name: "Make the link" }).click();
  const shown = ada.getByRole("region", { name: /In their browser/ });
  await mira.goto(`${ORIGIN}/invitation${new URL((await shown.innerText()).trim()).hash}`);
  await mira.getByLabel("What should the log call you?").fill("Mira");
  await mira.getByRole("button", { name: /Create passkey/ }).click();
  await mira.locator(".words li").first().waitFor();
  const card = ada.locator("section", { has: ada.getByRole("heading", { name: "Invite somebody" }) });
  await card.getByLabel("operator").check({ timeout: 30_000 });
  await card.getByRole("button", { name: /They match, add Mira/ }).click();
  await approve(ada);
  await ada.getByRole("heading", { name: "Mira is added" }).waitFor();
  await ada.keyboard.press("Escape");
}

/** Seconds that the session may last, as the edge opened it. */
async function signIn(page: Page): Promise<number> {
  const answer = page.waitForResponse((response) => new URL(response.url()).pathname === "/api/sign-in");
  await page.getByRole("button", { name: /Sign in with a passkey/ }).click();
  const { expires, now } = (await (await answer).json()) as { readonly expires: number; readonly now: number };
  await page.getByRole("link", { name: "Fleet" }).first().waitFor();
  return expires - now;
}

/** The same person at another browser: their authenticator's passkeys, in another one. */
async function sitDownAgain(browser: Browser, person: Person): Promise<Person> {
  const other = await sitDown(browser);
  await other.authenticator.copyFrom(person.authenticator);
  await other.page.goto(`${ORIGIN}/`);
  return other;
}

describe("sessions", () => {
  const data = temporaryDirectory("sessions");
  let up: Up;
  let browser: Browser;
  let ada: Person;
  let mira: Person;
  const elsewhere: Person[] = [];

  beforeAll(async () => {
    up = new Up({ dataDir: data.path, port: PORT, agentPort: PORT + 1, gateway: "none" });
    browser = await launchChromium();
    ada = await sitDown(browser);
    mira = await sitDown(browser);
    await setUp(ada.page, up);
    await join(ada.page, mira.page);
    await mira.page.getByRole("button", { name: "Go to the sign-in" }).click({ timeout: 30_000 });
  });

  afterAll(async () => {
    await browser?.close();
    await up?.stop();
    data.remove();
  });

  afterEach(async ({ task }) => {
    if (task.result?.state !== "fail") return;
    await shoot(ada.page, "e2e-sessions-failure-ada");
    await shoot(mira.page, "e2e-sessions-failure-mira");
    console.log([...ada.complaints, ...mira.complaints, ...up.stderr.slice(-15)].join("\n"));
  });

  it("last as long as one's own roles let them, once the browser knows its person", async () => {
    const { page } = mira;
    expect(await signIn(page)).toBeLessThanOrEqual(2 * HOUR);
    await visit(page, "sessions");
    await page.getByText("Yours last at most 4 h").waitFor();
    await page.getByRole("button", { name: "Sign out of this session" }).click();
    const lasts = await signIn(page);
    expect(lasts).toBeGreaterThan(3 * HOUR);
    expect(lasts).toBeLessThanOrEqual(4 * HOUR);
  });

  it("say whose they are, from where, when last used, and which is this one", async () => {
    for (const person of [ada, ada, mira]) {
      const other = await sitDownAgain(browser, person);
      await signIn(other.page);
      elsewhere.push(other);
    }
    const { page } = ada;
    await visit(page, "sessions");
    const mine = page.getByRole("region", { name: "You: 3 open sessions" });
    await mine.getByText("this one").waitFor();
    expect(await mine.getByText("this one").count()).toBe(1);
    expect(await mine.getByRole("listitem").first().innerText()).toMatch(
      /Chrom\w+ on Linux[\s\S]*from[\s\S]*last seen/,
    );
    await page.getByRole("region", { name: "Mira: 2 open sessions" }).waitFor();
    await shoot(page, "e2e-sessions");
  });

  it("end with one touch, all but this one", async () => {
    const { page } = ada;
    const words: string[] = [];
    page.on("request", (request) => {
      if (new URL(request.url()).pathname === "/api/sessions/end") words.push(request.url());
    });
    await page.getByRole("button", { name: "End my 2 others" }).click();
    await page.getByRole("status").getByText("2 sessions ended.").waitFor();
    await page.getByRole("region", { name: "You: 1 open session" }).waitFor();
    expect(words).toHaveLength(1);
    for (const other of elsewhere.slice(0, 2)) {
      await other.page.goto(`${ORIGIN}/`);
      await other.page.getByRole("button", { name: /Sign in with a passkey/ }).waitFor();
    }
  });

  it("end with one touch of an administrator, all of somebody's", async () => {
    const { page } = ada;
    await page.getByRole("button", { name: "End all 2 of Mira" }).click();
    await page.getByRole("status").getByText("2 sessions ended.").waitFor();
    await page.getByRole("region", { name: /^Mira/ }).waitFor({ state: "detached" });
    for (const one of [mira, ...elsewhere.slice(2)]) {
      await one.page.goto(`${ORIGIN}/`);
      await one.page.getByRole("button", { name: /Sign in with a passkey/ }).waitFor();
    }
  });

  it("end with the last role, at once, and the page says where to go", async () => {
    await signIn(mira.page);
    const { page } = ada;
    await visit(page, "people");
    const card = page.locator("details", { hasText: "Mira" }).first();
    await card.locator("summary").click();
    await card.getByRole("button", { name: "Take all roles…" }).click();
    await approve(page);
    await page.getByRole("dialog").getByRole("heading", { name: "Mira holds no role" }).waitFor();
    await page.keyboard.press("Escape");
    await mira.page.getByText("from another place, or with your roles").waitFor({ timeout: 60_000 });
    await mira.page.getByRole("button", { name: /Sign in with a passkey/ }).click();
    await mira.page.getByText("you hold no role now").waitFor();
    await shoot(mira.page, "e2e-sessions-no-role");
  });
});
