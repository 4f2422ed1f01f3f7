/**
 * What a person types about a fix, and the release of the agent, on pages of a real edge and host: the form's own refusal beside
 * the field, the plan by a sealed question, and an agent for which nobody signed a newer release.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Report } from "../../protocol/posture/report.ts";
import { launchChromium } from "./browser.ts";
import { startTown, type Town } from "./faults/town.ts";
import { temporaryDirectory } from "./installation.ts";
import { signedIn } from "./signed-in.ts";

const PORT = 25_350;
const data = temporaryDirectory("posture-choose");

let town: Town;
let browser: Browser;
let page: Page;
let main: Locator;

beforeAll(async () => {
  town = await startTown({ port: PORT, dataDir: path.join(data.path, "edge") });
  browser = await launchChromium();
  ({ page } = await signedIn(browser, town.operator));
  main = page.getByRole("main");
}, 240_000);

afterAll(async () => {
  await browser?.close();
  await town?.stop();
  data.remove();
});

const WRONG = "// not this";
const RIGHT: Readonly<Record<string, string>> = {
  "ssh.port.nonstandard": "22022",
  "ssh.allowlist": "nobody-of-that-name",
  "ssh.auth.limits": "203.0.113.7",
  "fw.default-deny": "203.0.113.7",
  "fw.egress.gateway": "192.0.2.0/24 443 provider",
  "ban.sshd.live": "203.0.113.7",
  "ban.whitelist": "203.0.113.7",
};

/** One that fails on this machine, whatever that is, and takes choices. */
async function expectFailing(): Promise<string> {
  let found: string | undefined;
  await expect
    .poll(
      () => {
        const file = path.join(data.path, "edge", "host", "posture", "report.json");
        const text = existsSync(file) ? readFileSync(file, "utf8") : '{"findings":[]}';
        const { findings } = JSON.parse(text) as Pick<Report, "findings">;
        found = findings.find(({ check, state }) => state === "fail" && RIGHT[check] !== undefined)?.check;
        return found;
      },
      { timeout: 60_000 },
    )
    .toBeDefined();
  return found ?? "";
}

it("what is typed is judged beside its field, then goes sealed to the host and comes back as a plan or as why there is none", async () => {
  const check = await expectFailing();
  await page.goto(`${town.operator.origin}/hosts/${town.host}/posture?of=${check.replaceAll(".", "-")}`);
  await main.getByRole("button", { name: "Show what a fix would change" }).first().click();
  await main
    .getByRole("button", { name: /^Choose the values yourself/ })
    .first()
    .press("Enter");
  const form = main.getByRole("form");
  const field = form.getByRole("textbox").first();
  await field.fill(WRONG);
  await form.getByRole("button", { name: "Show what this would change" }).press("Enter");
  await form.getByRole("alert").first().waitFor();
  expect(await field.getAttribute("aria-invalid")).toBe("true");
  await field.fill(RIGHT[check] ?? "");
  await form.getByRole("button", { name: "Show what this would change" }).press("Enter");
  // As this machine has it: a plan, or the reason of the program that would make one.
  await expect
    .poll(() => form.innerText(), { timeout: 60_000 })
    .toMatch(/Fix it|cannot be applied|root|not there|absent/i);
  expect(await form.innerText()).not.toContain("could not be read");
});

it("says which agent runs, and offers none where nobody signed a release", async () => {
  await page.goto(`${town.operator.origin}/hosts/${town.host}`);
  await main.getByRole("heading", { name: "Agent", exact: true }).waitFor({ timeout: 60_000 });
  await main.getByText(/No signed release is beside this page/).waitFor();
  expect(await main.getByRole("button", { name: "Update agent…" }).count()).toBe(0);
});
