/**
 * A host looked at for real and shown to a person: grade and evidence, an accepted risk and its way back, the table of hosts and
 * checks; and nothing of the evidence anywhere in what the edge keeps. Real agent, edge and browser; the machine is only looked at.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import * as v from "valibot";
import { checks } from "../../protocol/posture.ts";
import { outsideLookSchema } from "../../protocol/posture/outside.ts";
import { reportSchema, type Report } from "../../protocol/posture/report.ts";
import { launchChromium, type Person } from "./browser.ts";
import { startTown, type Town } from "./faults/town.ts";
import { temporaryDirectory } from "./installation.ts";
import { shoot } from "./pictures.ts";
import { signedIn } from "./signed-in.ts";

const PORT = 25_330;
const REASON = "a reason that nobody but the host may keep";
const data = temporaryDirectory("posture");

let town: Town;
let browser: Browser;
let owner: Person;
let page: Page;
let main: Locator;

function report(): Report {
  const text = readFileSync(path.join(data.path, "edge", "host", "posture", "report.json"), "utf8");
  return v.parse(reportSchema, JSON.parse(text));
}

beforeAll(async () => {
  town = await startTown({ port: PORT, dataDir: path.join(data.path, "edge") });
  browser = await launchChromium();
  owner = await signedIn(browser, town.operator);
  ({ page } = owner);
  main = page.getByRole("main");
}, 240_000);

afterAll(async () => {
  await browser?.close();
  await town?.stop();
  data.remove();
});

afterEach(async ({ task }) => {
  if (task.result?.state !== "fail") return;
  await shoot(page, "posture-failure");
  console.log([...owner.complaints.slice(-10), ...town.up.stderr.slice(-15)].join("\n"));
});

async function approve(done: RegExp): Promise<void> {
  const dialog = page.getByRole("dialog");
  await dialog.locator(".approve:not([aria-disabled])").waitFor();
  await dialog.getByRole("button", { name: /Approve with passkey/ }).click();
  await dialog.getByText(done).first().waitFor({ timeout: 90_000 });
  await page.keyboard.press("Escape");
}

const fold = (title: string): Locator =>
  main.locator("details.fold", { has: page.getByText(title, { exact: true }) }).last();

describe("the posture of a real host", () => {
  it("is on its page a moment after the agent started, with evidence", async () => {
    await page.goto(`${town.operator.origin}/hosts/${town.host}/posture`);
    await expect
      .poll(
        async () => {
          const again = main.getByRole("button", { name: "Read again" }).first();
          if (await again.isVisible()) await again.click();
          return main.innerText();
        },
        { timeout: 60_000, interval: 1_000 },
      )
      .toMatch(/of 100\./);
    const { score, privileged } = report();
    await expect.poll(() => main.innerText()).toContain(`${score} of 100.`);
    await expect.poll(() => main.innerText()).toContain(privileged ? "as root" : "without root's rights");
    await shoot(page, "e2e-posture");
  });

  it("a failing check can be accepted for a while, with a reason, and counts again when that is taken back", async () => {
    const failing = report().findings.find(({ state }) => state === "fail");
    if (failing === undefined) throw new Error("this machine fails nothing: the test needs something to accept");
    const { title } = checks[failing.check];
    await page.goto(`${town.operator.origin}/hosts/${town.host}/posture?of=${failing.check.replaceAll(".", "-")}`);
    const one = fold(title);
    await one.getByRole("button", { name: /Accept it for a while/ }).click();
    await one.getByLabel("Why it is accepted").fill(REASON);
    await one.getByRole("button", { name: /^Accept it…/ }).click();
    await approve(/accepted a risk|Accepted a risk/i);
    await main.getByRole("heading", { name: /Accepted for a while/ }).waitFor();
    const { findings } = report();
    expect(findings.find(({ check }) => check === failing.check)?.waiver?.reason).toBe(REASON);
    const accepted = fold(title);
    if ((await accepted.getByText(REASON).count()) === 0) await accepted.locator("summary").first().click();
    await accepted.getByText(REASON).waitFor();
    await accepted.getByRole("button", { name: /Take the acceptance back/ }).click();
    await approve(/took an acceptance back/i);
    await expect.poll(() => report().findings.find(({ check }) => check === failing.check)?.waiver).toBeUndefined();
  });

  it("is asked for a look from outside, says why this edge cannot, and shows what another one saw", async () => {
    await page.goto(`${town.operator.origin}/hosts/${town.host}/posture`);
    await main.getByRole("button", { name: /Look from outside/ }).click();
    await approve(/The edge runs on this machine/);
    const card = main.getByRole("region", { name: "Seen from outside" });
    await expect.poll(() => card.innerText()).toContain("Nobody looked in the last seven days.");
    // As the warden keeps it: the only edge of this test is on the host's own machine.
    const ports = [
      { port: 22, state: "open" },
      { port: 80, state: "closed" },
      { port: 443, state: "filtered" },
      { port: 18_789, state: "open" },
    ] as const;
    const at = Math.floor(Date.now() / 1_000) - 600;
    const seen = { v: 1, at, by: "edge", author: "p-nobody", vantage: "network", address: "10.0.0.5", ports } as const;
    const directory = path.join(data.path, "edge", "host", "posture");
    writeFileSync(path.join(directory, "outside.json"), JSON.stringify(v.parse(outsideLookSchema, seen)));
    await card.getByRole("button", { name: "Read again" }).click();
    const line = card.getByRole("listitem").filter({ hasText: "18789" });
    await line.waitFor();
    expect(await line.innerText()).toBe("Port 18789 OpenClaw gateway: answers");
    expect(await card.innerText()).toContain("in one network");
    await card.scrollIntoViewIfNeeded();
    await shoot(page, "e2e-posture-outside");
    rmSync(path.join(directory, "outside.json"));
  });

  it("a fix is shown as a plan before anybody can ask for it", async () => {
    const mendable = report().findings.find(({ check, state }) => state === "fail" && checks[check].fix !== "none");
    if (mendable === undefined) throw new Error("nothing that fails here can be mended: the test needs something");
    await page.goto(`${town.operator.origin}/hosts/${town.host}/posture?of=${mendable.check.replaceAll(".", "-")}`);
    const one = fold(checks[mendable.check].title);
    await one.getByRole("button", { name: "Show what a fix would change" }).click();
    await one.getByRole("button", { name: /^Fix it…/ }).waitFor({ timeout: 60_000 });
    await expect.poll(() => one.innerText()).toMatch(/Then it is tried|Nothing would change on the machine/);
    await shoot(page, "e2e-posture-plan");
  });

  it("stands in the table of hosts and checks", async () => {
    await page.goto(`${town.operator.origin}/posture`);
    await main.getByRole("table").waitFor();
    expect(await main.innerText()).toMatch(/1 host/);
    const failing = report().findings.filter(({ state }) => state === "fail").length;
    expect(await main.innerText()).toContain(`${failing} fail`);
    await shoot(page, "e2e-posture-matrix");
  });

  it("and nothing that was found, nor why something was accepted, is in any file of the edge", () => {
    const found = report().findings.flatMap(({ shortfalls, evidence }) => [
      ...shortfalls,
      ...evidence.map(({ excerpt }) => excerpt.split("\n")[0] ?? ""),
    ]);
    const secrets = [REASON, ...found.filter((text) => text.length > 20)];
    expect(secrets.length).toBeGreaterThan(3);
    const everything = readdirSync(path.join(data.path, "edge"), { recursive: true, withFileTypes: true })
      .filter((file) => file.isFile())
      .map(({ parentPath, name }) => path.join(parentPath, name))
      .filter((file) => !path.relative(path.join(data.path, "edge"), file).startsWith("host"));
    expect(everything.length).toBeGreaterThan(5);
    for (const file of everything) {
      const content = readFileSync(file).toString("latin1");
      expect(
        secrets.filter((secret) => content.includes(secret)),
        file,
      ).toEqual([]);
    }
  });
});
