/**
 * A gateway that is down or cannot read its configuration, and disks that are full: the ledger's and the journal's.
 * Real gateway, real browser; the data directory lies on a small disk. What the reader makes of each silence is in
 * test/agent/host/gateway/reader.test.ts, failing disks of the journal in
 * test/agent/host/warden/commands-going-wrong.test.ts.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Browser, Locator } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { HostRow } from "../../protocol/contracts.ts";
import { explainRefusal } from "../../protocol/refusals.ts";
import { launchChromium, sitDown, type Person } from "./browser.ts";
import { Record } from "./crash/record.ts";
import { OwnGateway } from "./faults/own-gateway.ts";
import { SecondHost } from "./faults/second-host.ts";
import { smallDisk, type SmallDisk } from "./faults/small-disk.ts";
import { check, startTown, type Town } from "./faults/town.ts";
import { temporaryDirectory, Up } from "./installation.ts";
import { ProblemError, receiptOf } from "./operator.ts";
import { shoot } from "./pictures.ts";

const PORT = 24_740;
const GATEWAY_PORT = 24_749;
const data = temporaryDirectory("faults-gateway");

let disk: SmallDisk | undefined;
let gateway: OwnGateway;
let town: Town;
let browser: Browser;
let owner: Person;
let main: Locator;

beforeAll(async () => {
  disk = await databaseOnSmallDisk();
  gateway = await OwnGateway.install(GATEWAY_PORT);
  gateway.configure();
  expect(await gateway.start()).toBeUndefined();
  town = await startTown({
    port: PORT,
    gateway: gateway.url,
    env: gateway.environment,
    dataDir: data.path,
  });
  browser = await launchChromium();
  owner = await sitDown(browser);
  await owner.authenticator.hold(town.operator.credential);
  await owner.page.goto(town.operator.origin);
  await owner.page.getByRole("button", { name: /Sign in with a passkey/ }).click();
  await owner.page.getByRole("link", { name: "Fleet" }).first().waitFor();
  await owner.page.goto(`${town.operator.origin}/hosts/${town.host}`);
  main = owner.page.getByRole("main");
});

afterAll(async () => {
  await browser?.close();
  await town?.stop();
  await gateway?.remove();
  disk?.remove();
  data.remove();
});

/** Only the database, where the ledger is, so that nothing else notices first. A first start makes the directory. */
async function databaseOnSmallDisk(): Promise<SmallDisk | undefined> {
  const first = new Up({ dataDir: data.path, port: PORT, agentPort: PORT + 1, gateway: "none" });
  await first.event((said) => said.event === "setup");
  await first.stop();
  return smallDisk(8, path.join(data.path, "d1"));
}

/** What the host says of its gateway now. */
async function reported(): Promise<NonNullable<HostRow["telemetry"]>["gateway"] | undefined> {
  const { host } = (await town.operator.call("host", { path: `/api/hosts/${town.host}` })) as { host: HostRow };
  return host.telemetry?.gateway;
}

async function untilReported(state: string): Promise<void> {
  await expect.poll(async () => (await reported())?.state, { timeout: 60_000, interval: 100 }).toBe(state);
}

const restart = (): Locator => owner.page.getByRole("button", { name: /Restart/ }).first();

describe("a full disk", () => {
  afterEach(() => disk?.free());

  it("of the ledger: the command is refused, nothing was sent, and the next one works", async ({ skip }) => {
    if (disk === undefined) return skip("needs root, to mount a small disk");
    await untilReported("running");
    const { operator, host } = town;
    const journal = path.join(data.path, "host", "warden", "journal.jsonl");
    const before = { boot: (await reported())?.bootId, journal: readFileSync(journal, "utf8") };
    expect(before.boot).toBeDefined();
    const sent = await operator.build("gateway.restart@1", host);
    disk.fill();
    const refusal = await operator.submit(sent).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ProblemError);
    expect(refusal).toMatchObject({ code: "ledger_unavailable", status: 503 });
    await expect(operator.status(sent, host)).rejects.toMatchObject({ code: "command_unknown" });
    await main.getByText("Running").first().waitFor(); // the page goes on, although the edge cannot write
    expect(await main.innerText()).not.toContain("The control plane does not answer");
    disk.free();
    expect(readFileSync(journal, "utf8")).toBe(before.journal);
    expect((await reported())?.bootId).toBe(before.boot);

    // A tunnel whose object could not write may have been closed: the host is back in a moment, by itself.
    const next = await vi.waitFor(() => check(operator, host), { timeout: 60_000, interval: 500 });
    expect(receiptOf(next)?.verdict).toBe("executed");
    const record = new Record(operator, host);
    await record.read(); // throws where the chain does not add up
    expect(record.about(sent.digest, "command.accepted")).toEqual([]);
    expect(record.about(sent.digest, "command.receipt")).toEqual([]);
  });

  it("of the ledger, as the page says it, with the next step", async ({ skip }) => {
    if (disk === undefined) return skip("needs root, to mount a small disk");
    const { page } = owner;
    await restart().click();
    const dialog = page.getByRole("dialog");
    await dialog.locator(".approve:not([aria-disabled])").waitFor();
    disk.fill();
    await dialog.getByRole("button", { name: /Approve with passkey/ }).click();
    await dialog.getByText("ledger_unavailable").first().waitFor();
    await shoot(page, "faults-disk-full");
    disk.free();
    const text = await dialog.innerText();
    expect(text).toContain("The activity log could not be written, so nothing was done.");
    expect(text).toContain("Look whether the disk is full, then try again.");
    await page.keyboard.press("Escape");
  });

  it("of everything: the same, under a name of its own", async ({ skip }) => {
    const small = smallDisk(48);
    if (small === undefined) return skip("needs root, to mount a small disk");
    let other: Town | undefined;
    try {
      other = await startTown({ port: PORT + 4, dataDir: path.join(small.path, "data") });
      const sent = await other.operator.build("host.check@1", other.host);
      small.fill();
      await expect(other.operator.submit(sent)).rejects.toMatchObject({ code: "storage_full", status: 503 });
      await expect(other.operator.status(sent, other.host)).rejects.toMatchObject({ code: "command_unknown" });
      small.free();
      await other.operator.submit(sent); // the very same approval, which nobody has used
      expect(receiptOf(await other.operator.ended(sent, other.host))).toMatchObject({ verdict: "executed", number: 1 });
      await new Record(other.operator, other.host).read();
    } finally {
      small.free();
      await other?.stop();
      small.remove();
    }
  });

  it("of a host's journal: the host does not act, and says so", async ({ skip }) => {
    const small = smallDisk(4);
    if (small === undefined) return skip("needs root, to mount a small disk");
    let host: SecondHost | undefined;
    try {
      host = await SecondHost.join(town, "attic", { directory: path.join(small.path, "data") });
      const agent = host.start();
      await agent.event((said) => said["state"] === "connected");
      await town.operator.admitFirstHost(host.id);
      await agent.event((said) => said.event === "admitted");
      const sent = await town.operator.build("host.check@1", host.id);
      small.fill();
      await town.operator.submit(sent);
      expect(await town.operator.ended(sent, host.id)).toMatchObject({ state: "refused", code: "journal" });
      expect(explainRefusal("journal")).toEqual({
        what: "the host could not write its journal, so it did not act",
        next: "Free disk space on the host, then press again.",
      });
      small.free();
      expect(receiptOf(await check(town.operator, host.id))).toMatchObject({ verdict: "executed", number: 1 });
      await town.operator.removeHost(host.id);
    } finally {
      await host?.leave();
      small.remove();
    }
  });
});

describe("a gateway", () => {
  it("that was killed is shown as stopped, and a restart says why it cannot be", async () => {
    await main.getByText("Running").first().waitFor();
    await gateway.kill();
    await main.getByText("Stopped").first().waitFor();
    await shoot(owner.page, "faults-gateway-stopped");
    await expect.poll(() => restart().getAttribute("aria-disabled")).toBe("true");
    const text = await main.innerText();
    expect(text).toContain("Nothing listens where the gateway used to listen. Start it on the machine.");
    expect(text).toContain("needs a gateway that answers");
  });

  it("whose configuration does not parse is shown as that", async () => {
    gateway.configureText("{ this is no configuration");
    expect(await gateway.start()).not.toBe(0);
    await main.getByText("Config broken").first().waitFor();
    await shoot(owner.page, "faults-gateway-config");
    expect(await main.innerText()).toContain("The gateway's configuration file does not parse, so it cannot start.");
  });

  it("that refuses an unknown key is honestly stopped, and comes back by itself once that is mended", async () => {
    gateway.configure({ clawholdTestKey: true });
    expect(await gateway.start()).not.toBe(0);
    await main.getByText("Stopped").first().waitFor();
    gateway.configure();
    expect(await gateway.start()).toBeUndefined();
    await main.getByText("Running").first().waitFor({ timeout: 60_000 });
    await expect.poll(() => restart().getAttribute("aria-disabled"), { timeout: 30_000 }).toBeNull();
  });
});
