/**
 * `clawhold ui` as somebody uses it who does not sit at the machine of the edge: the built program before a running edge,
 * a real browser, a restart by one touch; what it says when it may not be trusted; and an edge that is an attacker's.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { mkdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { MEMORY_PATH } from "../../protocol/signer-memory.ts";
import { ask } from "../agent/edge/fixtures/harness.ts";
import { reply, startHostileEdge } from "../agent/signer/fixtures/hostile-edge.ts";
import { nonceOf } from "../fixtures/keys.ts";
import { launchChromium, sitDown, type Person } from "./browser.ts";
import { seedOf } from "./faults/town.ts";
import { gatewayInstall } from "./gateway.ts";
import { temporaryDirectory, Up } from "./installation.ts";
import { HeadlessOperator } from "./operator.ts";
import { shoot } from "./pictures.ts";
import { RunningUi } from "./running-ui.ts";

const PORT = 24_670;
const UI_PORT = PORT + 5;
const ORIGIN = `http://clawhold.localhost:${UI_PORT}`;
const BOOT = /boot ([0-9A-Za-z-]{8,})/;

interface Kept {
  readonly head: { readonly n: number; readonly hash: string; readonly revoked: string };
}

describe("a signer before an edge elsewhere", () => {
  const there = temporaryDirectory("ui-edge");
  const here = temporaryDirectory("ui-signer");
  let up: Up;
  let ui: RunningUi;
  let operator: HeadlessOperator;
  let browser: Browser;
  let person: Person;
  let workspace = "";
  const memory = () => path.join(here.path, "signer", `${workspace}.json`);
  const kept = () => JSON.parse(readFileSync(memory(), "utf8")) as Kept;
  const startUi = () =>
    new RunningUi(["--edge", `http://clawhold.localhost:${PORT}`, "--port", String(UI_PORT), "--data", here.path]);

  beforeAll(async () => {
    const ports = { dataDir: there.path, port: PORT, agentPort: PORT + 1 };
    const first = new Up({ ...ports, gateway: "none" });
    await first.event((said) => said.event === "setup");
    await first.stop();
    const demo = path.join(there.path, "demo");
    mkdirSync(demo, { recursive: true, mode: 0o700 });
    const installed = await gatewayInstall();
    symlinkSync(installed, path.join(demo, path.basename(installed)));
    up = new Up({ ...ports, gateway: "demo" });
    const setup = await up.event((said) => said.event === "setup");
    operator = await HeadlessOperator.create(PORT);
    // Two addresses of one name: that of the edge's machine, and that of the signer here.
    await operator.setUp(seedOf(String(setup["url"])), [ORIGIN]);
    await operator.admitFirstHost();
    workspace = operator.state?.workspace ?? "";
    browser = await launchChromium();
    person = await sitDown(browser);
    await person.authenticator.hold(operator.credential);
  });

  afterAll(async () => {
    operator?.close();
    await browser?.close();
    await ui?.stop();
    await up?.stop();
    there.remove();
    here.remove();
  });

  afterEach(async ({ task }) => {
    if (task.result?.state !== "fail") return;
    await shoot(person.page, "ui-failure");
    console.log([...person.complaints, ...ui.stderr.slice(-15), ...up.stderr.slice(-15)].join("\n"));
  });

  it("starts with a workspace that a person names, and remembers it", async () => {
    const refused = startUi();
    expect(await refused.exited).toBe(2);
    expect(refused.events[0]).toMatchObject({ event: "error", code: "workspace_unknown" });
    const first = new RunningUi([
      "--edge",
      `http://clawhold.localhost:${PORT}`,
      `--workspace=${workspace}`,
      "--port",
      String(UI_PORT),
      "--data",
      here.path,
    ]);
    expect(await first.event("ready")).toMatchObject({ url: ORIGIN, workspace });
    expect(await first.event("edge")).toMatchObject({ state: "ok" });
    expect(await first.stop()).toBe(0);
    ui = startUi();
    await ui.event("ready");
  });

  it("signs a person in with a passkey, at its own address", async () => {
    const { page } = person;
    await page.goto(`${ORIGIN}/`);
    await page.getByRole("button", { name: /Sign in with a passkey/ }).click();
    await page.getByRole("link", { name: "Fleet" }).first().waitFor();
    await page.locator("table .host-name a, [role=table] .host-name a").first().click();
    await page.getByText("OpenClaw 2026.9.6").first().waitFor({ timeout: 90_000 });
    await shoot(page, "ui-host");
  });

  it("keeps the session under a name of its own, which the edge's own dashboard does not share", async () => {
    const cookies = await person.context.cookies(ORIGIN);
    expect(cookies.map(({ name }) => name)).toEqual([`__Host-clawhold-${UI_PORT}`]);
    expect(cookies[0]).toMatchObject({ httpOnly: true, secure: true, sameSite: "Strict", path: "/" });
  });

  it("restarts a gateway by one touch, over the edge's live socket, with the host's receipt", async () => {
    const { page } = person;
    const before = BOOT.exec(await page.getByRole("main").innerText())?.[1];
    expect(before).toBeDefined();
    await page.getByRole("button", { name: "Restart" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.locator(".approve:not([aria-disabled])").waitFor();
    await dialog.getByRole("button", { name: /Approve with passkey/ }).click();
    await dialog
      .getByText(/restarted/i)
      .first()
      .waitFor({ timeout: 120_000 });
    expect(await dialog.innerText()).toMatch(/Verified/i);
    await page.keyboard.press("Escape");
    await expect
      .poll(async () => BOOT.exec(await page.getByRole("main").innerText())?.[1], { timeout: 60_000 })
      .not.toBe(before);
  });

  it("has its machine remember the history that the page verified", () => {
    const { head } = operator.state ?? {};
    expect(kept().head).toEqual(head);
  });

  it("is not alone: the edge's own machine remembers for its own page too", async () => {
    const headers = { "clawhold-memory": "1" };
    const { status, text } = await ask({
      port: PORT,
      path: MEMORY_PATH,
      headers: { host: `clawhold.localhost:${PORT}`, ...headers },
    });
    expect([status, JSON.parse(text)]).toEqual([200, { workspace }]);
  });

  it("asked nothing of any other name, and complained about nothing", () => {
    expect([...person.asked]).toEqual([`clawhold.localhost:${UI_PORT}`]);
    expect(person.complaints).toEqual([]);
  });

  it("warns and approves nothing when the edge shows an older history than this machine has seen", async () => {
    const { page } = person;
    const honest = readFileSync(memory(), "utf8");
    const { head, ...rest } = JSON.parse(honest) as Kept;
    const later = { ...head, n: head.n + 1, hash: nonceOf("a statement that the edge hides") };
    writeFileSync(memory(), JSON.stringify({ ...rest, head: later }));

    // In the page that is open: the next thing to approve.
    await page.getByRole("button", { name: "Restart" }).click();
    const warning = page.getByText("This edge shows an older history than this machine has seen before.");
    await warning.first().waitFor();
    expect(await page.getByRole("button", { name: /Approve with passkey/ }).count()).toBe(0);
    await page.keyboard.press("Escape");
    await page.locator(".banner.bad").getByText("older history").waitFor();
    await shoot(page, "ui-older-history");

    // In a browser that is new: before the touch.
    const stranger = await sitDown(browser);
    await stranger.authenticator.hold(operator.credential);
    await stranger.page.goto(`${ORIGIN}/`);
    await stranger.page.getByRole("button", { name: /Sign in with a passkey/ }).click();
    await stranger.page.getByText("older history than this machine has seen").first().waitFor();
    await shoot(stranger.page, "ui-older-history-sign-in");
    expect(await stranger.context.cookies(ORIGIN)).toEqual([]);
    await stranger.context.close();

    // Once the edge shows as much again, the page goes on by itself.
    writeFileSync(memory(), honest);
    await page.reload();
    await page.getByRole("button", { name: "Restart" }).click();
    await page.getByRole("dialog").locator(".approve:not([aria-disabled])").waitFor();
    await page.keyboard.press("Escape");
    // What else is wrong with this machine may be said.
    await expect.poll(() => page.locator(".banner.bad").getByText("older history").count()).toBe(0);
  });

  it("says plainly that its own address is not listed, and what to do", async () => {
    const port = UI_PORT + 1;
    const other = new RunningUi(["--workspace", workspace, "--port", String(port), "--data", here.path]);
    await other.event("ready");
    const stranger = await sitDown(browser);
    await stranger.page.goto(`http://clawhold.localhost:${port}/`);
    await stranger.page.getByRole("button", { name: /Sign in with a passkey/ }).click();
    const main = stranger.page.getByRole("main");
    await main.getByText(`http://clawhold.localhost:${port}, is not one that the workspace lists`).first().waitFor();
    expect(await main.innerText()).toContain("on the page Addresses of a signer that is listed");
    await shoot(stranger.page, "ui-origin-unlisted");
    await stranger.context.close();
    expect(await other.stop()).toBe(0);
  });

  it("takes no address that somebody holds, not even a second signer's", async () => {
    const second = startUi();
    expect(await second.exited).toBe(1);
    expect(second.events).toMatchObject([{ event: "error", code: "port_taken" }]);
  });
});

describe("an attacker's edge behind a signer, in a real browser", () => {
  const here = temporaryDirectory("ui-hostile");
  const port = UI_PORT + 2;
  const origin = `http://clawhold.localhost:${port}`;
  const EVIL = "document.title = 'taken'; self.taken = true;";
  let browser: Browser;
  let person: Person;
  let ui: RunningUi;
  let edge: Awaited<ReturnType<typeof startHostileEdge>>;

  beforeAll(async () => {
    edge = await startHostileEdge();
    const workspace = `--workspace=${nonceOf("workspace")}`;
    ui = new RunningUi([
      "--edge",
      `http://127.0.0.1:${edge.port}`,
      workspace,
      "--port",
      String(port),
      "--data",
      here.path,
    ]);
    await ui.event("ready");
    browser = await launchChromium();
    person = await sitDown(browser);
    await person.page.goto(`${origin}/`);
    // Everything at once, on every answer: a page with a script, wide open, with cookies and somewhere else to go.
    edge.answers(({ path: asked }) =>
      reply(
        [
          `content-type: ${asked.endsWith(".js") ? "text/javascript" : "text/html"}`,
          "access-control-allow-origin: *",
          "service-worker-allowed: /",
          "content-security-policy: default-src * 'unsafe-inline'",
          "set-cookie: planted=1; Path=/",
          `set-cookie: __Host-clawhold-${port}=${nonceOf("x")}; Path=/; Secure; Max-Age=600`,
          "refresh: 0; url=https://evil.example/",
          "link: </api/x.js>; rel=modulepreload",
        ],
        asked.endsWith(".js") ? EVIL : `<script>${EVIL}</script><script src="/api/x.js"></script>`,
      ),
    );
  });

  afterAll(async () => {
    await browser?.close();
    await ui?.stop();
    await edge?.stop();
    here.remove();
  });

  it("shows no page and runs no script at any address under /api", async () => {
    const visit = await person.context.newPage();
    const answer = await visit.goto(`${origin}/api/page`);
    expect(answer?.status()).toBe(403);
    expect(await visit.title()).not.toBe("taken");
    expect(await visit.evaluate("self.taken")).toBeUndefined();
    await visit.close();
  });

  it("gets no script, worker, frame or service worker into the dashboard", async () => {
    const results = await person.page.evaluate(async () => {
      const settle = async (work: () => Promise<unknown>) =>
        work().then(
          () => "done",
          () => "refused",
        );
      const element = (name: "script" | "iframe", address: string) =>
        new Promise<unknown>((resolve, reject) => {
          const made = document.createElement(name);
          made.addEventListener("load", resolve);
          made.addEventListener("error", reject);
          made.setAttribute("src", address);
          document.body.append(made);
          setTimeout(reject, 3_000);
        });
      return {
        worker: await settle(() => navigator.serviceWorker.register("/api/sw.js", { scope: "/" })),
        script: await settle(() => element("script", "/api/x.js")),
        registered: (await navigator.serviceWorker.getRegistrations()).length,
        taken: "taken" in self,
        title: document.title,
        cookie: document.cookie,
      };
    });
    expect(results).toMatchObject({ worker: "refused", script: "refused", registered: 0, taken: false, cookie: "" });
    expect(results.title).not.toBe("taken");
  });

  it("plants no cookie by an answer, nor by a socket", async () => {
    await person.page.evaluate(async () => {
      await fetch("/api/health").catch(() => undefined);
      await new Promise((resolve) => {
        const socket = new WebSocket(`${location.origin.replace("http", "ws")}/api/hosts/h/live`);
        socket.addEventListener("close", resolve);
        socket.addEventListener("error", resolve);
      });
    });
    expect(await person.context.cookies(origin)).toEqual([]);
  });

  it("lets no page of another origin read anything, though it says that all may", async () => {
    const elsewhere = await person.context.newPage();
    await elsewhere.goto(`http://127.0.0.1:${port}/`); // another origin: the front's own refusal
    const read = await elsewhere.evaluate(
      async (address) =>
        Promise.all(
          [`${address}/api/health`, `${address}/signer/memory`].map((one) =>
            fetch(one, { headers: { "clawhold-memory": "1" } }).then(
              () => "read",
              () => "refused",
            ),
          ),
        ),
      origin,
    );
    expect(read).toEqual(["refused", "refused"]);
    await elsewhere.close();
  });
});
