/**
 * The dashboard under a name on an address of --bind, in a real browser that trusts this edge's own authority and holds
 * one of its certificates: the address is added in the signer, a passkey for that name is enrolled there and added, and
 * its person signs in. No certificate error is ignored. Needs root, for the policy that answers the browser's question
 * which certificate to show.
 */
import { closeAll, type Closers } from "../../agent/edge/closers.ts";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask } from "../agent/edge/fixtures/harness.ts";
import { sitDown, type Person } from "../e2e/browser.ts";
import { CHROMIUM, ensure, namespaces, NSS } from "../tasks/debian.ts";
import { clawhold, RunningEdge, type Installed } from "./product.ts";

const missing = namespaces() ?? [CHROMIUM, NSS].map(ensure).find(Boolean);
const NAME = "edge.clawhold.test";
const ADDRESS = "127.0.0.2";
const POLICIES = "/etc/chromium/policies/managed";

describe.skipIf(missing !== undefined)("the dashboard under a name", () => {
  const closers: Closers = [];
  let directory: string;
  let installed: Installed;
  let edge: RunningEdge;
  let origin: string;
  let browser: Browser;
  let signer: Person;
  let elsewhere: Person;

  beforeAll(async () => {
    directory = mkdtempSync(path.join(tmpdir(), "clawhold-name-"));
    closers.push(() => rmSync(directory, { recursive: true, force: true }));
    installed = { namespace: undefined, directory: path.join(directory, "edge") };
    edge = await RunningEdge.start(installed, ["--bind", ADDRESS, "--name", NAME], closers);
    origin = `https://${NAME}:${edge.port}`;
    await giveCertificate(directory, installed);
    answerForTheBrowser(origin, closers);
    browser = await launch(directory);
    closers.push(() => browser.close());
    signer = await sitDown(browser);
    await signer.authenticator.hold(edge.operator.credential);
    elsewhere = await sitDown(browser);
  });

  afterAll(() => closeAll(closers));

  it("answers a browser without a certificate with 403 and a sentence, and says what the workspace lacks", async () => {
    const answer = await ask({ port: edge.port, path: "/", address: ADDRESS, tls: {} });
    expect([answer.status, answer.headers["strict-transport-security"]]).toEqual([403, "max-age=31536000"]);
    expect(answer.text).toContain("browser_certificate_missing");
    await edge.up.mustSay((said) => said["event"] === "origin-unlisted" && said["url"] === origin);
  });

  it("is listed by one gesture in the signer, as a daily address", async () => {
    const { page } = signer;
    await page.goto(`http://clawhold.localhost:${edge.port}/`);
    await page.getByRole("button", { name: /Sign in with a passkey/ }).click();
    await page.getByRole("link", { name: "Fleet" }).first().waitFor();
    await page.goto(`http://clawhold.localhost:${edge.port}/addresses`);
    await page.getByRole("textbox", { name: "Address" }).fill(origin);
    await page.getByText("A daily page: an edge serves it").waitFor();
    await page.getByRole("button", { name: "Add the address…" }).click();
    await approve(page);
    await page.keyboard.press("Escape");
    await page.getByRole("listitem").filter({ hasText: origin }).getByText("Daily: served by an edge").waitFor();
  });

  it("takes a passkey of its own, which a signer adds to its person", async () => {
    const link = await inviteTo(signer.page, origin);
    const { page } = elsewhere;
    await page.goto(link);
    await page.getByRole("main").getByRole("textbox").fill("Ada");
    await page.getByRole("button", { name: /passkey/i }).click();
    await page.locator(".words li").first().waitFor();
    expect(await elsewhere.authenticator.credentialCount()).toBe(1);
    await signer.page.getByText("Not a check.").waitFor();
    await signer.page.getByLabel("Who is it?").selectOption({ index: 1 });
    await signer.page.getByRole("button", { name: /^Add Ada/ }).click();
    await approve(signer.page);
    await page.getByRole("button", { name: "Go to the sign-in" }).click();
  });

  it("signs its person in with it, and shows it the hosts", async () => {
    const { page } = elsewhere;
    await page.getByText("This page comes from the edge.").waitFor();
    await page.getByRole("button", { name: /Sign in with a passkey/ }).click();
    await page.getByRole("link", { name: "Fleet" }).first().waitFor();
    const cookies = await elsewhere.context.cookies(origin);
    expect(cookies).toMatchObject([{ httpOnly: true, secure: true, sameSite: "Strict" }]);
    expect([...elsewhere.asked]).toEqual([`${NAME}:${edge.port}`]);
    expect(elsewhere.complaints).toEqual([]);
  });
});

async function approve(page: Page): Promise<void> {
  const dialog = page.getByRole("dialog");
  await dialog.locator(".approve:not([aria-disabled])").waitFor();
  await dialog.getByRole("button", { name: /Approve with passkey/ }).click();
}

async function inviteTo(page: Page, origin: string): Promise<string> {
  await page.goto(new URL("/people", page.url()).href);
  await page.getByLabel("Whom do you invite?").fill("Ada at the edge");
  await page.getByRole("button", { name: "Make the link" }).click();
  const shown = page.getByRole("region", { name: origin });
  await shown.waitFor();
  return (await shown.innerText()).trim();
}

/** Our authority and one of its certificates, in the certificate store of a home of the browser's own. */
async function giveCertificate(directory: string, installed: Installed): Promise<void> {
  const file = path.join(directory, "ada.p12");
  const made = await clawhold(installed, "up", "browser-certificate", "--label", "Ada", "--out", file).mustSay(
    (said) => said["event"] === "browser-certificate",
  );
  for (const below of [".pki/nssdb", ".local/share/pki/nssdb"]) {
    const store = path.join(directory, "home", below);
    mkdirSync(store, { recursive: true, mode: 0o700 });
    const database = `sql:${store}`;
    const authority = path.join(installed.directory, "keys", "dashboard-authority.pem");
    must("certutil", "-N", "-d", database, "--empty-password");
    must("certutil", "-A", "-d", database, "-t", "C,,", "-n", "Clawhold", "-i", authority);
    must("pk12util", "-i", file, "-d", database, "-W", String(made["password"]), "-K", "");
  }
}

function must(program: string, ...parameters: readonly string[]): void {
  const { status, stderr, stdout } = spawnSync(program, parameters, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program}: ${stderr}${stdout}`);
}

/** Which certificate to show is a person's choice; a headless browser has nobody to ask. */
function answerForTheBrowser(origin: string, closers: Closers): void {
  mkdirSync(POLICIES, { recursive: true });
  const file = path.join(POLICIES, `clawhold-test-${process.pid}.json`);
  const filter = JSON.stringify({ pattern: origin, filter: {} });
  writeFileSync(file, JSON.stringify({ AutoSelectCertificateForUrls: [filter] }));
  closers.push(() => rmSync(file, { force: true }));
}

function launch(directory: string): Promise<Browser> {
  const home = path.join(directory, "home");
  return chromium.launch({
    executablePath: CHROMIUM.path,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      `--host-resolver-rules=MAP ${NAME} ${ADDRESS}`,
    ],
    env: { ...process.env, HOME: home, XDG_DATA_HOME: path.join(home, ".local/share") },
  });
}
