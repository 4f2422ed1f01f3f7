/**
 * A small team with several machines, as it uses them: one touch for a whole fleet while one machine is away, and a
 * critical rehearsal that two people approve in two browsers. Real workerd, real agents, real Chromium.
 */
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { launchChromium, type Person } from "./browser.ts";
import type { RunningHost } from "./faults/program.ts";
import { SecondHost } from "./faults/second-host.ts";
import { startTown, type Town } from "./faults/town.ts";
import { shoot } from "./pictures.ts";
import { bringIn } from "./second-person.ts";
import { signedIn } from "./signed-in.ts";
import type { SoftwareCredential } from "../fixtures/authenticator.ts";

const PORT = 25_100;
const LABELS = ["vps-1", "vps-2", "vps-3"] as const;

interface Machine {
  readonly host: SecondHost;
  readonly agent: RunningHost;
}

describe("a fleet, and two people", () => {
  let town: Town;
  let browser: Browser;
  let ada: Person;
  const machines = new Map<string, Machine>();

  beforeAll(async () => {
    town = await startTown({ port: PORT });
    for (const label of LABELS) {
      const host = await SecondHost.join(town, label);
      const agent = host.start();
      await town.operator.admitFirstHost(host.id);
      machines.set(label, { host, agent });
    }
    browser = await launchChromium();
    ada = await signedIn(browser, town.operator);
  });

  afterAll(async () => {
    await browser?.close();
    for (const { host, agent } of machines.values()) {
      agent.thaw();
      await host.leave();
    }
    await town?.stop();
  });

  afterEach(async ({ task }) => {
    if (task.result?.state !== "fail") return;
    for (const [place, page] of browser
      .contexts()
      .flatMap((context) => context.pages())
      .entries())
      await shoot(page, `fleet-failure-${place}`).catch(console.error);
    console.log([...ada.complaints, ...town.up.stderr.slice(-15)].join("\n"));
  });

  /** What the browser keeps of the sign-in: whether a step-up named its key, and whether that could be read out. */
  function keptSession(page: Page): Promise<{ readonly named: boolean; readonly extractable: boolean }> {
    return page.evaluate(
      () =>
        new Promise((resolve, reject) => {
          const request = indexedDB.open("clawhold");
          request.onerror = () => reject(new Error("no database"));
          request.onsuccess = () => {
            const store = request.result.transaction("vault").objectStore("vault").get("session");
            store.onsuccess = () => {
              const { successor, keys } = store.result as { successor?: unknown; keys: CryptoKeyPair };
              resolve({ named: successor !== undefined, extractable: keys.privateKey.extractable });
            };
          };
        }),
    );
  }

  const dialogOf = (page: Page) => page.getByRole("dialog");

  /** A press counts once the button was seen. */
  async function approve(page: Page, name: RegExp): Promise<void> {
    const dialog = dialogOf(page);
    await dialog.locator(".approve:not([aria-disabled])").waitFor({ timeout: 30_000 });
    await dialog.getByRole("button", { name }).click();
  }

  async function outcomes(page: Page): Promise<Readonly<Record<string, string>>> {
    const rows = await dialogOf(page).locator(".outcomes > li").all();
    const pairs = rows.map(async (row) => [
      (await row.locator("a").innerText()).trim(),
      (await row.locator(".state").innerText()).trim(),
    ]);
    return Object.fromEntries((await Promise.all(pairs)) as [string, string][]) as Record<string, string>;
  }

  it("names the machine that does not answer, and sends nothing to it without the person's word", async () => {
    const { page } = ada;
    for (const label of LABELS) {
      const box = page.getByRole("checkbox", { name: `Pick ${label}` });
      await expect.poll(() => box.isEnabled(), { timeout: 30_000 }).toBe(true);
      await box.check();
    }
    machines.get("vps-3")?.agent.freeze();
    await page.getByRole("button", { name: "Check the way" }).click();
    const dialog = dialogOf(page);
    await dialog.getByRole("heading", { name: "1 host cannot be asked now" }).waitFor({ timeout: 30_000 });
    const gaps = await dialog.locator(".targets").innerText();
    expect(gaps).toContain("vps-3");
    expect(gaps).not.toContain("vps-1");
    await shoot(page, "e2e-fleet-gaps");
    await dialog.getByRole("button", { name: "Go on without it" }).click();
    await dialog.getByRole("heading", { name: "Check the way to 2 hosts?" }).waitFor();
    const exact = await dialog.locator("details pre").textContent();
    const intent = JSON.parse(exact ?? "") as { targets: readonly { host: string; challenge: string }[] };
    const ids = ["vps-1", "vps-2"].map((label) => machines.get(label)?.host.id ?? "");
    expect(intent.targets.map(({ host }) => host)).toEqual(ids.toSorted());
    expect(new Set(intent.targets.map(({ challenge }) => challenge)).size).toBe(2);
  });

  it("runs on each by one touch, and shows each machine's own receipt", async () => {
    const { page } = ada;
    await approve(page, /Approve with passkey/);
    await dialogOf(page).getByRole("heading", { name: "Executed on 2 of 3" }).waitFor({ timeout: 60_000 });
    expect(await outcomes(page)).toEqual({ "vps-1": "Executed", "vps-2": "Executed", "vps-3": "Left out" });
    await shoot(page, "e2e-fleet-outcomes");
  });

  it("reaches only the one that did not run by a second press, with the page's second key", async () => {
    const { page } = ada;
    machines.get("vps-3")?.agent.thaw();
    await dialogOf(page).getByRole("button", { name: "Again for the one that did not run" }).click();
    const dialog = dialogOf(page);
    await expect
      .poll(
        async () => {
          const again = dialog.getByRole("button", { name: /Ask it again|Try again/ });
          if (await again.isVisible()) await again.click();
          return dialog.locator(".approve").isVisible();
        },
        { timeout: 60_000, interval: 2_000 },
      )
      .toBe(true);
    const exact = await dialog.locator("details pre").textContent();
    expect((JSON.parse(exact ?? "") as { targets: unknown[] }).targets).toHaveLength(1);
    await approve(page, /Approve with passkey/);
    await dialog.getByRole("heading", { name: /Executed on all 3/ }).waitFor({ timeout: 60_000 });
    expect(await outcomes(page)).toEqual({ "vps-1": "Executed", "vps-2": "Executed", "vps-3": "Executed" });
    await page.keyboard.press("Escape");
  });

  it("signs with a key that a step-up named, and keeps it over a reload", async () => {
    const { page } = ada;
    const kept = await keptSession(page);
    expect(kept).toEqual({ named: true, extractable: false });
    await page.reload();
    await page.getByRole("checkbox", { name: "Pick vps-1" }).waitFor({ timeout: 30_000 });
  });

  it("checks one machine from its own page, and says so with its receipt", async () => {
    const { page } = ada;
    await page.goto(`http://clawhold.localhost:${PORT}/hosts/${machines.get("vps-2")?.host.id ?? ""}`);
    await page.locator("li.practise button:not([aria-disabled])").first().waitFor({ timeout: 60_000 });
    await page.getByRole("button", { name: "Check the command path" }).click();
    await approve(page, /Approve with passkey/);
    const dialog = dialogOf(page);
    await dialog.getByRole("heading", { name: "The way to vps-2 works" }).waitFor({ timeout: 60_000 });
    await dialog.getByText("Receipt verified in this browser.").waitFor();
    await page.keyboard.press("Escape");
  });

  it("finds every acceptance beside its own machine's receipt, and proves them here", async () => {
    const { page } = ada;
    await page.goto(`http://clawhold.localhost:${PORT}/activity?show=commands`);
    const main = page.getByRole("main");
    await main.getByText(/entries verified in this browser/).waitFor({ timeout: 30_000 });
    for (const label of LABELS) {
      const entry = main.getByRole("row").filter({ hasText: `checked the command path on ${label}` });
      await expect.poll(() => entry.first().innerText()).toMatch(/asked for in #\d+/);
      await entry.first().locator("a.say").click();
      await page.getByText(/Approved by a passkey of the trust log/).waitFor();
      await page.getByText("The entry tells who, what and where as it was signed").waitFor();
      expect(await page.getByRole("complementary").innerText()).not.toMatch(/does not add up/i);
      await page.keyboard.press("Escape");
    }
    // The browser reports the one answer that said "this machine is silent"; nothing else.
    expect(ada.complaints.filter((line) => !line.includes("409"))).toEqual([]);
  });

  describe("a rehearsal for two", () => {
    let bea: Person;
    let cleo: Person;
    const page = { bea: () => bea.page, cleo: () => cleo.page };

    beforeAll(async () => {
      const { operator } = town;
      const passkeys: SoftwareCredential[] = [];
      for (const [id, name] of [
        ["p-bea", "Bea"],
        ["p-cleo", "Cleo"],
      ] as const)
        // Two whom Ada alone brought in today would count as one person: the second is brought in by both.
        passkeys.push(await bringIn(operator, { id, name, roles: ["admin"] }, passkeys));
      await operator.declare({
        kind: "policy.set",
        body: { id: "two-for-drills", operations: ["host.drill@1"], hosts: ["all"], people: 2 },
      });
      const [hers, his] = passkeys;
      if (hers === undefined || his === undefined) throw new TypeError("two people");
      bea = await signedIn(browser, { origin: town.operator.origin, credential: hers });
      cleo = await signedIn(browser, { origin: town.operator.origin, credential: his });
    });

    async function proposals(of: Page): Promise<void> {
      await of.goto(`http://clawhold.localhost:${PORT}/proposals`);
      await of.getByRole("heading", { name: "Proposals", level: 1 }).waitFor();
    }

    it("says before anything is signed that two are needed, and proposes", async () => {
      const at = page.bea();
      await at.goto(`http://clawhold.localhost:${PORT}/hosts/${machines.get("vps-1")?.host.id ?? ""}`);
      const rehearse = at.getByRole("button", { name: "Rehearse a critical command" });
      await at.locator("li.practise button:not([aria-disabled])").nth(1).waitFor({ timeout: 60_000 });
      await rehearse.click();
      const dialog = dialogOf(at);
      await dialog.getByRole("radio", { name: /A control plane taken over/ }).check();
      await dialog.getByRole("button", { name: "Continue" }).click();
      await dialog.getByText("A rule asks for 2 people.").waitFor();
      expect(await dialog.innerText()).toContain("Cleo");
      await shoot(at, "e2e-propose");
      await approve(at, /Propose with passkey/);
      await dialog.getByRole("heading", { name: "Proposed. Nothing ran yet" }).waitFor();
      await dialog.getByRole("link", { name: "See what waits" }).click();
      await at.getByText("You approved it. One more person must").waitFor();
      expect(await at.getByRole("button", { name: /Approve/ }).count()).toBe(0);
    });

    it("tells the one who added the first, before a touch, that the two count as one", async () => {
      await proposals(ada.page);
      const main = ada.page.getByRole("main");
      await main.getByText("You alone added Bea less than a day ago").waitFor({ timeout: 30_000 });
      expect(await main.getByRole("button", { name: /^Approve/ }).count()).toBe(0);
    });

    it("shows the second person exactly the signed bytes, and runs by the second touch", async () => {
      const at = page.cleo();
      await proposals(at);
      const main = at.getByRole("main");
      await main.getByText("Bea").first().waitFor({ timeout: 30_000 });
      const signed = await main.locator("details pre").first().textContent();
      expect(JSON.parse(signed ?? "")).toMatchObject({
        operation: "host.drill@1",
        args: { scenario: "edge-taken-over" },
        targets: [{ host: machines.get("vps-1")?.host.id }],
      });
      await shoot(at, "e2e-proposals");
      await main.getByRole("button", { name: /Approve and carry out/ }).click();
      const dialog = dialogOf(at);
      await dialog.getByText("Approved before by").waitFor({ timeout: 30_000 });
      await approve(at, /Approve with passkey/);
      await dialog.getByRole("heading", { name: "Executed", exact: true }).waitFor({ timeout: 60_000 });
      // The proposal leaves the list behind the dialog; the outcome stays until somebody closes it.
      await main.getByRole("heading", { name: "Nothing waits", includeHidden: true }).waitFor({ timeout: 30_000 });
      await shoot(at, "e2e-carried-out");
      expect(await outcomes(at)).toEqual({ "vps-1": "Executed" });
      await at.keyboard.press("Escape");
      await at.getByRole("heading", { name: "Nothing waits" }).waitFor({ timeout: 30_000 });
    });

    it("proves afterwards, to somebody who was not there, that both approved it", async () => {
      const { page: at } = ada;
      await at.goto(`http://clawhold.localhost:${PORT}/activity?show=commands`);
      const entry = at.getByRole("row").filter({ hasText: /Cleo.*rehearsed a critical command on.*vps-1/ });
      await entry.first().locator("a.say").click();
      await at.getByText("Several people approved it").waitFor({ timeout: 30_000 });
      const proof = await at.getByRole("complementary").innerText();
      expect(proof).toContain("Bea");
      expect(proof).not.toMatch(/does not add up/i);
    });

    it("forgets what its maker takes back", async () => {
      const at = page.bea();
      await at.goto(`http://clawhold.localhost:${PORT}/hosts/${machines.get("vps-2")?.host.id ?? ""}`);
      await at.locator("li.practise button:not([aria-disabled])").nth(1).waitFor({ timeout: 60_000 });
      await at.getByRole("button", { name: "Rehearse a critical command" }).click();
      await dialogOf(at).getByRole("button", { name: "Continue" }).click();
      await approve(at, /Propose with passkey/);
      await dialogOf(at).getByRole("link", { name: "See what waits" }).click();
      await at.getByRole("button", { name: "Withdraw it" }).click();
      await at.getByRole("heading", { name: "Nothing waits" }).waitFor({ timeout: 30_000 });
    });
  });
});
