/** A look from outside, at the host: what it asks, whose answer counts, and what becomes of one that does not fit. */
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { postureControl } from "../../../../agent/host/posture/control.ts";
import { postureDoor } from "../../../../agent/host/posture/door.ts";
import { outsideFile, readOutside } from "../../../../agent/host/posture/outside-look.ts";
import { openPostureStore, type PostureStore } from "../../../../agent/host/posture/store.ts";
import { fromBase64url, toBase64url } from "../../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../../protocol/canonical.ts";
import { LOOK_KEPT_SECONDS, lookCodec, type Look } from "../../../../protocol/posture/outside.ts";
import { digestOf, verifySignature, type Signer } from "../../../../protocol/signing.ts";
import { nonceOf, signed } from "../../../fixtures/keys.ts";
import { NOW, type Fields } from "../../../fixtures/workspace.ts";
import { until, type Rig } from "./rig.ts";
import { useRigs } from "./rigs.ts";

const { rig } = useRigs();
const never = (): Promise<void> => new Promise(() => undefined);

interface Asked {
  readonly host: Rig;
  readonly store: PostureStore;
  readonly look: Look;
  readonly digest: string;
  readonly intent: string;
}

const FACTS = {
  "gateway.found": { kind: "known", value: [{ port: 19_001 }] },
  "ssh.daemon": { kind: "known", value: { listens: [{ port: 222 }, { port: 42_022 }] } },
  "fw.live": { kind: "known", value: { digest: nonceOf("rules") } },
};

/** As far as to the host's question; nobody has answered. */
async function asked(wait: (milliseconds: number) => Promise<void> = never, name = "look"): Promise<Asked> {
  const store = openPostureStore(mkdtempSync(join(tmpdir(), "lookout-")));
  const posture = postureControl({
    store,
    door: postureDoor(() => Promise.reject(new Error("nothing is mended here"))),
    // What is asked for is what the host is now, not what some earlier scan saw.
    refresh: () => Promise.resolve(store.saveFacts(FACTS as never)),
    now: () => NOW,
  });
  const host = await rig({ posture, wait });
  const operation = "posture.look@1";
  const { challenge, now, trustHead } = await host.prepared({ operation });
  const command = await host.seal((draft) => {
    draft.intent = { ...draft.intent, operation, trustHead, id: nonceOf(name) };
    draft.target = { ...draft.target, challenge, iat: now, expect: {} };
  });
  await host.receive({ kind: "deliver", number: 1, envelope: toBase64url(command.bytes) });
  await until(() => host.sent.some(({ kind }) => kind === "look"));
  const frame = host.sent.find((one) => one.kind === "look");
  if (frame?.kind !== "look") throw new Error("no question");
  const body = fromBase64url(frame.signed.body);
  const { publicKey } = host.context.keys.hostKey;
  expect(await verifySignature({ kind: "look", body, signature: frame.signed.signature, publicKey })).toBe(true);
  return { host, store, look: lookCodec.decode(body), digest: digestOf("look", body), intent: command.digest };
}

const seen = ({ ports }: Look, change: Fields = {}): Fields => ({
  kind: "seen",
  vantage: "internet",
  address: "203.0.113.10",
  ports: ports.map((port) => ({ port, state: "filtered" })),
  ...change,
});

/** The edge's word, honest unless changed. */
async function answer({ host, look, digest }: Asked, change: Fields = {}, signer?: Signer): Promise<void> {
  const { workspace } = host.world;
  const body = encodeCanonical({
    v: 1,
    workspace,
    host: look.host,
    look: digest,
    at: NOW,
    answer: seen(look),
    ...change,
  });
  await host.receive({ kind: "looked", signed: await signed(signer ?? host.world.keys.dispatch, "looked", body) });
}

async function outcome({ host }: Asked): Promise<string> {
  await until(() => host.receipts().length === 1);
  const { verdict, observed } = host.lastReceipt();
  return [verdict, observed.reason].filter(Boolean).join(" ");
}

describe("a host that was told to let itself be looked at", () => {
  it("names its command, its tunnel and a few ports, and no address", async () => {
    const one = await asked();
    expect(one.look).toMatchObject({ intent: one.intent, host: one.host.world.host });
    // 222 is neither common nor high: whoever shares the address may have something there.
    expect(one.look.ports).toEqual([22, 80, 443, 18_789, 19_001, 42_022]);
    expect(Object.keys(one.look).toSorted()).toEqual(["host", "intent", "nonce", "ports", "tunnel", "v", "workspace"]);
    await answer(one);
    expect(await outcome(one)).toBe("executed");
  });

  it("keeps what the edge saw, who asked, and which rules its packet filter had", async () => {
    const one = await asked();
    await answer(one);
    await outcome(one);
    expect(readOutside(one.store.directory)).toMatchObject({
      at: NOW,
      by: "edge",
      author: "p-ada",
      rules: nonceOf("rules"),
      vantage: "internet",
      address: "203.0.113.10",
    });
  });

  it("says why there is nothing, and keeps what it had", async () => {
    const one = await asked();
    await answer(one, { answer: { kind: "refused", code: "look_too_often" } });
    expect(await outcome(one)).toBe("failed look_too_often");
    expect(readOutside(one.store.directory)).toBeUndefined();
  });
});

describe("an edge that does not answer what was asked", () => {
  const more = (look: Look) => [
    ...look.ports.map((port) => ({ port, state: "open" })),
    { port: 50_000, state: "open" },
  ];

  it.each<[string, (one: Asked) => Fields]>([
    ["more ports", ({ look }) => ({ answer: seen(look, { ports: more(look) }) })],
    ["fewer ports", ({ look }) => ({ answer: seen(look, { ports: [{ port: 22, state: "open" }] }) })],
    ["a port off the list", ({ look }) => ({ answer: seen(look, { ports: [{ port: 25, state: "open" }] }) })],
    ["a banner", ({ look }) => ({ answer: seen(look, { banner: "SSH-2.0" }) })],
    ["a name for an address", ({ look }) => ({ answer: seen(look, { address: "gateway.example.org" }) })],
    [
      "a state of its own",
      ({ look }) => ({ answer: seen(look, { ports: look.ports.map((port) => ({ port, state: "fine" })) }) }),
    ],
    ["another host's", () => ({ host: "h-0123456789abcdef0123" })],
    ["another workspace's", () => ({ workspace: nonceOf("another workspace") })],
  ])("but %s is not believed", async (_what, change) => {
    const one = await asked();
    await answer(one, change(one));
    expect(await outcome(one)).toBe("failed look_untrue");
    expect(readOutside(one.store.directory)).toBeUndefined();
  });

  it("but signs with another key than the trust log names is not believed: the link has no other", async () => {
    const one = await asked();
    await answer(one, {}, one.host.world.keys.stranger);
    expect(await outcome(one)).toBe("failed look_untrue");
    expect(readOutside(one.store.directory)).toBeUndefined();
  });

  it("but another question is passed over, and the right answer still counts", async () => {
    const one = await asked();
    const elsewhere = seen(one.look, { address: "198.51.100.9" });
    await answer(one, { look: nonceOf("another question"), answer: elsewhere });
    await answer(one);
    expect(await outcome(one)).toBe("executed");
    expect(readOutside(one.store.directory)?.address).toBe("203.0.113.10");
  });

  it("at all is not waited for without end", async () => {
    let over: () => void = () => undefined;
    const one = await asked(() => new Promise((resolve) => (over = resolve)));
    over();
    expect(await outcome(one)).toBe("failed look_silent");
    // Too late: nobody waits, and nothing is kept.
    await answer(one);
    expect(readOutside(one.store.directory)).toBeUndefined();
  });
});

describe("what was seen", () => {
  it("is no answer any more after a week", async () => {
    const one = await asked();
    await answer(one);
    await outcome(one);
    const later = postureControl({
      store: one.store,
      door: postureDoor(() => Promise.reject(new Error("nothing is mended here"))),
      refresh: () => Promise.resolve(),
      now: () => NOW + LOOK_KEPT_SECONDS + 1,
    });
    expect(await later.read("posture.outside@1", {})).toEqual({ at: NOW + LOOK_KEPT_SECONDS + 1 });
    expect(readFileSync(outsideFile(one.store.directory), "utf8")).toContain("203.0.113.10");
  });

  it("is given up for a kill, which waits for no knock", async () => {
    const one = await asked();
    const { host } = one;
    const { challenge, now, trustHead } = await host.prepared({ operation: "gateway.kill@1" });
    const kill = await host.seal((draft) => {
      draft.intent = { ...draft.intent, operation: "gateway.kill@1", trustHead, id: nonceOf("kill") };
      draft.target = { ...draft.target, challenge, iat: now, expect: {} };
    });
    await host.receive({ kind: "deliver", number: 2, envelope: toBase64url(kill.bytes) });
    await until(() => host.receipts().length === 2);
    expect(host.receipts().map(({ observed }) => observed.reason)).toEqual(["look_cut", undefined]);
  });
});
