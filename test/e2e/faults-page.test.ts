/**
 * What a person before a browser sees when something is in the way: setup links that do not work, a browser that cannot,
 * an address that is not ours, a control plane that does not answer, a session that ended, and clocks that are wrong.
 * Real program, real Chromium; each page was also looked at as a picture.
 */
import { readdirSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { launchChromium, sitDown, type Person } from "./browser.ts";
import { findVictim } from "./crash/processes.ts";
import { clawhold } from "./faults/program.ts";
import { sql } from "./faults/town.ts";
import { temporaryDirectory, Up } from "./installation.ts";
import { shoot } from "./pictures.ts";

const PORT = 24_760;
const ORIGIN = `http://clawhold.localhost:${PORT}`;
const TEN_MINUTES = 600;
const LOST = "The control plane does not answer";

const data = temporaryDirectory("faults-page");
const options = { dataDir: data.path, port: PORT, agentPort: PORT + 1, gateway: "none" };
let up: Up;
let browser: Browser;
let owner: Person;
let setupUrl = "";

beforeAll(async () => {
  up = new Up(options);
  setupUrl = String((await up.event((said) => said.event === "setup"))["url"]);
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  await up?.stop();
  data.remove();
});

afterEach(({ task }) => {
  if (task.result?.state !== "fail") return;
  console.log([...up.stderr.slice(-15), ...up.events.slice(-5).map((said) => JSON.stringify(said))].join("\n"));
});

async function visit(url: string, name?: string): Promise<string> {
  const stranger = await sitDown(browser);
  await stranger.page.goto(url);
  await stranger.page.getByRole("heading", { level: 1 }).waitFor();
  if (name !== undefined) await shoot(stranger.page, name);
  const text = await stranger.page.getByRole("main").innerText();
  await stranger.context.close();
  return text;
}

/** Ends workerd; `up` starts it again within a fraction of a second, unless it is held down. */
function killWorkerd(): void {
  const pid = findVictim("workerd", up.child.pid ?? -1);
  if (pid !== undefined) process.kill(pid, "SIGKILL");
}

/** Holds workerd down meanwhile. */
async function whileDown(work: () => Promise<void>): Promise<void> {
  killWorkerd();
  const timer = setInterval(killWorkerd, 20);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
}

describe("a setup link", () => {
  it("that is not there is asked for", async () => {
    const text = await visit(`${ORIGIN}/setup`, "faults-setup-absent");
    expect(text).toContain("Open the link from your terminal");
    expect(text).toContain("setup_link_absent");
  });

  it("that lost its end says that it is not complete", async () => {
    const text = await visit(
      setupUrl.replace(/seed=[^&]+/, (seed) => seed.slice(0, 30)),
      "faults-setup-damaged",
    );
    expect(text).toContain("This link is not complete");
    expect(text).toContain("Copy the whole link from the terminal");
  });

  it("with another seed says that it does not fit", async () => {
    const text = await visit(setupUrl.replace(/seed=[^&]+/, `seed=${"A".repeat(43)}`), "faults-setup-wrong");
    expect(text).toContain("This link does not fit");
    expect(text).toContain("Use the newest link in your terminal.");
  });

  it("that ran out says so, and where the next one is", async () => {
    await sql(data.path, "UPDATE setup SET expires = expires - 901");
    const text = await visit(setupUrl, "faults-setup-expired");
    await sql(data.path, "UPDATE setup SET expires = expires + 901");
    expect(text).toContain("This link ran out");
    expect(text).toContain("Your terminal shows a new link by itself. If it is closed, start Clawhold again.");
  });

  it("cannot invite hosts yet, and the terminal says what to do first", async () => {
    const { code, err } = await clawhold(["host", "invite", "--data", data.path]);
    expect(err.trim()).toBe(
      "There is no workspace to invite to yet. Open the setup link that clawhold up shows, then type this again.",
    );
    expect(code).toBe(3);
  });

  it("outlives a control plane that does not answer, and then makes the workspace", async () => {
    owner = await sitDown(browser);
    const { page } = owner;
    await whileDown(async () => {
      await page.goto(setupUrl);
      await page.getByText(LOST).waitFor();
      await shoot(page, "faults-setup-unreachable");
      expect(await page.getByRole("main").innerText()).toContain("This page tries again by itself.");
    });
    await page.getByLabel("What should the log call you?").fill("Ada");
    await page.getByRole("button", { name: /Create passkey/ }).click();
    await page.getByRole("button", { name: /Sign in with the passkey/ }).click();
    await page.getByRole("button", { name: /They match, admit/ }).click();
    await page.waitForURL((url) => url.pathname !== "/setup");
    await page.getByRole("link", { name: "Fleet" }).first().waitFor();
  });

  it("that was used says so and leads to sign-in", async () => {
    const text = await visit(setupUrl, "faults-setup-used");
    expect(text).toContain("This link was used before");
    expect(text).toContain("Go to sign in");
  });
});

describe("a browser", () => {
  it("without WebAuthn is told what it cannot do and what to open instead", async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.addInitScript("delete globalThis.PublicKeyCredential;");
    await page.goto(ORIGIN);
    await page.getByRole("heading", { name: "This browser cannot use passkeys" }).waitFor();
    await shoot(page, "faults-no-webauthn");
    const text = await page.getByRole("main").innerText();
    expect(text).toContain("Clawhold has no password, so a browser without WebAuthn cannot sign in.");
    expect(text).toContain("Open this address in a current Chromium, Chrome, Edge or Firefox.");
    expect(text).toContain(ORIGIN);
    await context.close();
  });

  it("at an address that is not ours is told the right one", async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const answer = await page.goto(`http://127.0.0.1:${PORT}/`);
    expect(answer?.status()).toBe(421);
    await shoot(page, "faults-wrong-address");
    expect(await page.getByRole("main").innerText()).toContain(
      "Passkeys belong to one name, so this dashboard answers only there.",
    );
    await page.getByRole("link", { name: `${ORIGIN}/` }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await context.close();
  });
});

describe("a control plane that does not answer", () => {
  it("is announced above figures that stay, and the page goes on by itself", async () => {
    const { page } = owner;
    await page.goto(ORIGIN);
    const row = page.locator("table .host-name a, [role=table] .host-name a").first();
    const label = await row.innerText();
    await whileDown(async () => {
      await page.getByText(LOST).waitFor();
      await shoot(page, "faults-edge-lost");
      const text = await page.getByRole("main").innerText();
      expect(text).toContain("Your gateways keep running; hosts do not need it to work.");
      expect(text).toContain(label);
    });
    await page.getByText(LOST).waitFor({ state: "detached" });
    expect(await row.innerText()).toBe(label);
  });

  it("does not sign out who loads the page meanwhile", async () => {
    const { page } = owner;
    await whileDown(async () => {
      await page.goto(ORIGIN);
      await page.getByText(LOST).waitFor();
      await shoot(page, "faults-edge-lost-at-load");
    });
    await page.getByRole("link", { name: "Fleet" }).first().waitFor();
  });

  it("also goes on by itself on a page that asks nothing regularly", async () => {
    const { page } = owner;
    await page.goto(`${ORIGIN}/people`);
    await page
      .getByText(/1 passkey/i)
      .first()
      .waitFor();
    await whileDown(async () => {
      await page.getByRole("link", { name: "Activity" }).first().click();
      await page.getByText(LOST).first().waitFor();
    });
    await page.getByText(/entries verified in this browser/).waitFor({ timeout: 30_000 });
  });
});

/** The page's wall clock, wrong from its first line on. The browser's own (for cookies) is corrected by answers' dates. */
function wrongClock(off: number): string {
  return `{
    const Real = Date;
    globalThis.Date = class extends Real {
      constructor(...given) {
        if (given.length > 0) super(...given);
        else super(Real.now() + ${off * 1_000});
      }
      static now() {
        return Real.now() + ${off * 1_000};
      }
    };
  }`;
}

describe("a browser's clock", () => {
  it.each([TEN_MINUTES, -TEN_MINUTES])("wrong by %i seconds changes nothing: it is never asked", async (off) => {
    const second = temporaryDirectory("faults-clock");
    const other = new Up({ dataDir: second.path, port: PORT + 2, agentPort: PORT + 3, gateway: "none" });
    const { page, context } = await sitDown(browser);
    try {
      await page.addInitScript(wrongClock(off));
      await page.goto(String((await other.event((said) => said.event === "setup"))["url"]));
      const difference = (await page.evaluate<number>("Date.now()")) / 1_000 - Date.now() / 1_000;
      expect(Math.abs(difference - off)).toBeLessThan(30); // the fault is really there
      await page.getByLabel("What should the log call you?").fill("Ada");
      await page.getByRole("button", { name: /Create passkey/ }).click();
      await page.getByRole("button", { name: /Sign in with the passkey/ }).click();
      await page.getByRole("button", { name: /They match, admit/ }).click();
      await page.waitForURL((url) => url.pathname !== "/setup");
      await page.reload(); // goes on with the session, whose first request is signed before the edge said anything
      await page
        .getByText(/seen (just now|\d+ s ago)/)
        .first()
        .waitFor();
    } finally {
      await context.close();
      await other.stop();
      second.remove();
    }
  });
});

describe("a machine that slept", () => {
  it("goes on with its session, although the page's own clock stood still", async () => {
    const { page } = owner;
    await page.addInitScript(`{
      const real = performance.now.bind(performance);
      performance.now = () => real() - (globalThis.slept ?? 0);
    }`);
    await page.goto(`${ORIGIN}/people`);
    await page
      .getByText(/1 passkey/i)
      .first()
      .waitFor();
    await page.evaluate(`globalThis.slept = ${TEN_MINUTES * 1_000};`);
    await page.getByRole("link", { name: "Fleet" }).first().click();
    await page.locator("table .host-name a, [role=table] .host-name a").first().waitFor();
    expect(await page.getByRole("main").innerText()).not.toContain("Sign in");
  });
});

describe("a session", () => {
  it("that ended leads to a sign-in page that says why, and one touch goes on", async () => {
    const { page } = owner;
    await page.goto(ORIGIN);
    await page.getByRole("link", { name: "Fleet" }).first().waitFor();
    await up.stop();
    for (const database of sessionDatabases()) forgetSessions(database);
    up = new Up(options);
    await up.event((said) => said.event === "ready");
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await shoot(page, "faults-session-ended");
    const text = await page.getByRole("main").innerText();
    expect(text).toContain(
      "Your session was ended: by 15 minutes of quiet, from another place, or with your roles. Sign in again to go on.",
    );
    await page.getByRole("button", { name: /Sign in with a passkey/ }).click();
    await page.getByRole("link", { name: "Fleet" }).first().waitFor();
  });
});

/** The files of the edge's session object: what only fifteen quiet minutes would bring about. */
function sessionDatabases(): readonly string[] {
  const folder = path.join(data.path, "do", "clawhold-Sessions");
  return readdirSync(folder)
    .filter((name) => name.endsWith(".sqlite") && name !== "metadata.sqlite")
    .map((name) => path.join(folder, name));
}

function forgetSessions(file: string): void {
  const database = new DatabaseSync(file);
  database.exec("UPDATE sign_ins SET last_seen = last_seen - 901");
  database.close();
}
