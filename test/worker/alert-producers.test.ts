/** What the edge notices by itself, and tells. */
import { evictDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { GATEWAY_ALARMS_PER_HOUR } from "../../durable-objects/host/gateway-alarms.ts";
import { ODD_ENTRIES_PER_HOUR } from "../../durable-objects/host/words.ts";
import { alertsOf } from "../../durable-objects/alert-client.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import type { AlertKind, AlertRow } from "../../protocol/alerts.ts";
import { ALERT_REFUSALS_PER_MINUTE, CERTIFICATE_NOTICE_SECONDS } from "../../protocol/limits.ts";
import type { CheckId } from "../../protocol/posture.ts";
import type { PostureFigures, Telemetry } from "../../protocol/telemetry.ts";
import { telemetrySample } from "../fixtures/telemetry.ts";
import { admittedTo } from "../fixtures/edge/admitted.ts";
import type { Tunnel } from "../fixtures/edge/host-peer.ts";
import { certificateOf, edge, fresh, ledgerBodies, now, Page, settled } from "./client.ts";
import { Town } from "../fixtures/edge/town.ts";
import { signed, signerOf } from "../fixtures/keys.ts";
import { env } from "./environment.ts";

const nothingFound: PostureFigures = {
  at: 1_800_000_000,
  score: 50,
  grade: "C",
  privileged: true,
  pass: [],
  fail: [],
  notApplicable: [],
  error: [],
  unverified: [],
  waived: [],
};

let town: Town;
beforeAll(async () => {
  town = await Town.at(edge);
});

async function alertsAbout(kind: AlertKind, host: string): Promise<readonly AlertRow[]> {
  const rows = await alertsOf(env, town.workspace).list(town.workspace);
  return rows.filter((row) => row.kind === kind && row.host === host);
}

/** The object tells after it answered. */
async function raised(kind: AlertKind, host: string): Promise<AlertRow> {
  for (;;) {
    const [alert] = await alertsAbout(kind, host);
    if (alert !== undefined) return alert;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A look is worth a minute; a new object has not looked yet. */
const forgetLook = (): Promise<void> => evictDurableObject(alertsOf(env, town.workspace));

/** Asks the ledger, because asking for the list of alerts would look too. */
async function recorded(action: string, target: string): Promise<void> {
  while (
    !(await ledgerBodies(town.workspace)).some((entry) => entry["action"] === action && entry["target"] === target)
  )
    await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("an alert is raised", () => {
  it("for a second connection with one host key, while the first answers", async () => {
    const { peer, tunnel } = await admittedTo(town, "cloned");
    const second = await peer.connect();
    const asked = tunnel.next("trust");
    await second.hello();
    await asked;
    tunnel.say({ kind: "trust-want" });
    expect(await second.closed()).toBe(4002);
    expect(await raised("host.cloned", peer.host)).toMatchObject({ state: "open", times: 1 });
  });

  it("for two receipts under one number, and not for one receipt told twice", async () => {
    const { peer, tunnel } = await admittedTo(town, "forked");
    const first = await peer.receipt(fresh());
    tunnel.say(first);
    await tunnel.next("ack");
    tunnel.say(first);
    await tunnel.next("ack");
    expect(await alertsAbout("receipts.forked", peer.host)).toEqual([]);
    tunnel.say(await peer.receipt(fresh()));
    expect(await raised("receipts.forked", peer.host)).toMatchObject({ detail: { place: 1 } });
  });

  it("for many refusals of one host, signed or not", async () => {
    const { peer, tunnel } = await admittedTo(town, "refusing");
    const body = { verdict: "refused", code: "local_policy" };
    for (let number = 1; number < ALERT_REFUSALS_PER_MINUTE; number++) {
      tunnel.say(await peer.receipt(fresh(), { ...body, number }));
      await tunnel.next("ack");
    }
    const { prepare, digest } = await town.prepareBody(peer.host);
    const asked = town.page.call("prepare", { params: { host: peer.host }, body: { prepare } });
    await tunnel.next("prepare");
    tunnel.say({ kind: "refused", subject: digest, code: "busy" });
    expect((await asked).code).toBe("busy");
    expect(await raised("refusals.many", peer.host)).toMatchObject({
      detail: { by: "host", name: peer.host, refusals: ALERT_REFUSALS_PER_MINUTE, windowSeconds: 60 },
    });
  });

  it("for many refused sign-ins, by their rule", async () => {
    for (let i = 0; i < ALERT_REFUSALS_PER_MINUTE; i++) {
      const page = new Page(await signerOf("session"));
      const offer = await page.must("signInNonce");
      const session = await certificateOf(town.founded.passkey, offer, { nonce: fresh() });
      expect((await page.call("signIn", { body: { session } })).code).toBe("sign_in_refused");
    }
    await settled();
    const rows = await alertsOf(env, town.workspace).list(town.workspace);
    expect(rows.map(({ detail }) => detail.name)).toContain("nonce");
  });

  it("for requests with a session's cookie and somebody else's signature, and not for a made-up cookie", async () => {
    const thief = new Page(await signerOf("thief"), town.page.cookie);
    const stranger = new Page(await signerOf("stranger"), fresh());
    for (let i = 0; i < ALERT_REFUSALS_PER_MINUTE; i++) {
      expect((await thief.call("me")).code).toBe("unauthenticated");
      expect((await stranger.call("me")).code).toBe("unauthenticated");
    }
    const rows = await alertsOf(env, town.workspace).list(town.workspace);
    const names = rows.map(({ detail }) => detail.name);
    expect(names).toContain("request_signature");
    expect(names).not.toContain("request_cookie");
  });

  it("for a prepare that the edge refuses, by host, session and rule", async () => {
    const { peer } = await admittedTo(town, "asked");
    for (let i = 0; i < ALERT_REFUSALS_PER_MINUTE; i++) {
      const { prepare } = await town.prepareBody(peer.host, { operation: "host.format@1" });
      expect((await town.page.call("prepare", { params: { host: peer.host }, body: { prepare } })).code).toBe(
        "operation",
      );
    }
    await settled();
    expect(await alertsAbout("refusals.many", peer.host)).toHaveLength(1);
  });

  it("for a certificate near its end when its host comes, and resolved when it comes with a new one", async () => {
    const { peer, tunnel } = await admittedTo(town, "ending");
    const end = (at: number) =>
      env.DB.prepare("UPDATE certificates SET valid_until = ? WHERE host = ?").bind(at, peer.host).run();
    await end(now() + CERTIFICATE_NOTICE_SECONDS - 60);
    tunnel.socket.close(1000);
    await forgetLook();
    const second = await peer.open((await town.trust()).head);
    await recorded("alert.raised", peer.host);
    expect(await raised("certificate.ending", peer.host)).toMatchObject({ state: "open" });
    second.socket.close(1000);
    await peer.join();
    await forgetLook();
    await peer.open((await town.trust()).head);
    await recorded("alert.resolved", peer.host);
    expect(await raised("certificate.ending", peer.host)).toMatchObject({ state: "resolved" });
  });
});

describe("what a gateway's figures mean", () => {
  const figures = (change: Partial<Telemetry>): Telemetry => ({ ...telemetrySample, ...change });
  const listening = (loopback: boolean): Telemetry => {
    const address = loopback ? "127.0.0.1" : "0.0.0.0";
    return figures({ gateway: { ...telemetrySample.gateway, listens: [{ address, port: 18_789, loopback }] } });
  };
  const asking = (waiting: number, deniedUnasked = 0): Telemetry => figures({ questions: { waiting, deniedUnasked } });

  async function until(kind: AlertKind, host: string, state: AlertRow["state"]): Promise<AlertRow> {
    for (;;) {
      const [alert] = await alertsAbout(kind, host);
      if (alert?.state === state) return alert;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  it.each([
    ["gateway.exposed", listening(false), listening(true)],
    ["exec.waiting", asking(1), asking(0)],
  ] as const)("%s begins and ends with them", async (kind, begins, ends) => {
    const { peer, tunnel } = await admittedTo(town, `figures of ${kind}`);
    tunnel.say({ kind: "telemetry", telemetry: ends });
    tunnel.say({ kind: "telemetry", telemetry: begins });
    expect(await until(kind, peer.host, "open")).toMatchObject({ times: 1 });
    tunnel.say({ kind: "telemetry", telemetry: begins });
    tunnel.say({ kind: "telemetry", telemetry: ends });
    expect(await until(kind, peer.host, "resolved")).toMatchObject({ times: 1 });
  });

  it("a check that passed and fails now is told of by its gravity, until it passes again", async () => {
    const { peer, tunnel } = await admittedTo(town, "drifting");
    const seen = (fail: readonly CheckId[], pass: readonly CheckId[]): Telemetry =>
      figures({ posture: { ...nothingFound, fail: [...fail], pass: [...pass] } });
    tunnel.say({ kind: "telemetry", telemetry: seen([], ["gw.auth.mode", "ssh.crypto"]) });
    tunnel.say({ kind: "telemetry", telemetry: seen(["gw.auth.mode", "ssh.crypto"], []) });
    expect(await until("posture.drift-critical", peer.host, "open")).toMatchObject({
      detail: { check: "gw.auth.mode" },
    });
    expect(await until("posture.drift", peer.host, "open")).toMatchObject({ detail: { check: "ssh.crypto" } });
    tunnel.say({ kind: "telemetry", telemetry: seen([], ["gw.auth.mode", "ssh.crypto"]) });
    await until("posture.drift-critical", peer.host, "resolved");
    await until("posture.drift", peer.host, "resolved");
  });

  it("what ends at once after it began is taken back, in whatever order it was told", async () => {
    const { peer, tunnel } = await admittedTo(town, "flapping");
    const among = ["ssh.crypto", "ssh.root-login", "ssh.kbdint", "gw.auth.mode"] as const satisfies readonly CheckId[];
    const seen = (fail: readonly CheckId[], pass: readonly CheckId[]): Telemetry =>
      figures({ posture: { ...nothingFound, fail: [...fail], pass: [...pass] } });
    tunnel.say({ kind: "telemetry", telemetry: seen([], among) });
    tunnel.say({ kind: "telemetry", telemetry: seen(among, []) });
    tunnel.say({ kind: "telemetry", telemetry: seen([], among) });
    const count = async (action: string): Promise<number> => {
      const bodies = await ledgerBodies(town.workspace);
      return bodies.filter((entry) => entry["action"] === action && entry["target"] === peer.host).length;
    };
    while ((await count("alert.resolved")) < among.length) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await count("alert.raised")).toBe(among.length);
  });

  it("an acceptance that ends soon is told of", async () => {
    const { peer, tunnel } = await admittedTo(town, "accepting");
    const waivedUntil = now() + 3_600;
    const posture = { ...nothingFound, fail: ["ssh.crypto" as const], waived: ["ssh.crypto" as const], waivedUntil };
    tunnel.say({ kind: "telemetry", telemetry: figures({ posture }) });
    expect(await until("posture.waiver-ending", peer.host, "open")).toMatchObject({ detail: { until: waivedUntil } });
  });

  it("a flood of questions is told of", async () => {
    const { peer, tunnel } = await admittedTo(town, "figures of a flood");
    tunnel.say({ kind: "telemetry", telemetry: asking(10, 3) });
    expect(await until("exec.flood", peer.host, "open")).toMatchObject({ detail: { refusals: 3 } });
  });

  it("a host that changes them all the time is not believed for ever", async () => {
    const { peer, tunnel } = await admittedTo(town, "figures without end");
    for (let i = 0; i < GATEWAY_ALARMS_PER_HOUR; i += 1) {
      tunnel.say({ kind: "telemetry", telemetry: listening(false) });
      tunnel.say({ kind: "telemetry", telemetry: listening(true) });
    }
    const count = async (): Promise<number> => {
      const bodies = await ledgerBodies(town.workspace);
      return bodies.filter(({ action, target }) => String(action).startsWith("alert.") && target === peer.host).length;
    };
    while ((await count()) < GATEWAY_ALARMS_PER_HOUR) await new Promise((resolve) => setTimeout(resolve, 5));
    tunnel.say({ kind: "trust-want" });
    await tunnel.next("trust");
    expect(await count()).toBe(GATEWAY_ALARMS_PER_HOUR);
  });
});

describe("a host that makes things up", () => {
  const more = ODD_ENTRIES_PER_HOUR + 4;

  async function entries(action: string, host: string): Promise<number> {
    const bodies = await ledgerBodies(town.workspace);
    return bodies.filter((entry) => entry["action"] === action && entry["target"] === host).length;
  }

  /** Frames are taken in order: by the answer everything before it was judged, and is on its way into the ledger. */
  async function heard(tunnel: Tunnel, action: string, atLeast: number): Promise<number> {
    tunnel.say({ kind: "trust-want" });
    await tunnel.next("trust");
    while ((await entries(action, tunnel.peer.host)) < atLeast) await new Promise((resolve) => setTimeout(resolve, 5));
    return entries(action, tunnel.peer.host);
  }

  it("does not make the log grow with every receipt for a command that nobody asked for", async () => {
    const { peer, tunnel } = await admittedTo(town, "inventor of receipts");
    for (let i = 0; i < more; i += 1) tunnel.say(await peer.receipt(fresh()));
    expect(await heard(tunnel, "command.receipt", ODD_ENTRIES_PER_HOUR)).toBe(ODD_ENTRIES_PER_HOUR);
    expect(tunnel.heard.filter(({ kind }) => kind === "ack")).toHaveLength(ODD_ENTRIES_PER_HOUR);
  });

  it("nor with every freeze", async () => {
    const { peer, tunnel } = await admittedTo(town, "inventor of freezes");
    const { head: trustHead } = await town.trust();
    for (let i = 0; i < more; i += 1) {
      const frozen = { reason: "fork", place: 3, mine: fresh(), other: fresh() };
      const body = encodeCanonical({ v: 1, workspace: town.workspace, host: peer.host, trustHead, frozen });
      tunnel.say({ kind: "trust-ack", signed: await signed(peer.key, "trust-ack", body) });
    }
    expect(await heard(tunnel, "host.frozen", ODD_ENTRIES_PER_HOUR)).toBe(ODD_ENTRIES_PER_HOUR);
  });

  it("and has one last word", async () => {
    const { peer, tunnel } = await admittedTo(town, "inventor of farewells");
    for (let number = 0; number < 3; number += 1) {
      const lastReceipt = { number, digest: fresh() };
      const body = encodeCanonical({ v: 1, workspace: town.workspace, host: peer.host, lastReceipt, at: now() });
      tunnel.say({ kind: "farewell", signed: await signed(peer.key, "farewell", body) });
    }
    expect(await heard(tunnel, "host.reset", 1)).toBe(1);
  });
});
