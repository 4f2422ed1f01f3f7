/** From where the doors answer at all: lists that a touch changes, and that can lock nobody out who changes them. */
import { evictDurableObject } from "cloudflare:test";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import type { NetworkList, Networks } from "../../protocol/contracts/networks.ts";
import { MAX_NETWORKS } from "../../protocol/limits.ts";
import { placeOf, mayEnter } from "../../worker/http/networks.ts";
import { approvedBody, type Bends } from "../fixtures/edge/edge-action.ts";
import { EdgePage, fresh, ORIGIN, replyOf, type Reply } from "../fixtures/edge/page.ts";
import { Town } from "../fixtures/edge/town.ts";
import type { Fields } from "../fixtures/workspace.ts";
import { edge, edgeWith, ledgerBodies, send } from "./client.ts";
import { env } from "./environment.ts";

/** From where the fixtures' pages come. */
const HERE = "203.0.113.7";

let town: Town;
beforeAll(async () => {
  town = await Town.at(edge);
});
afterEach(async () => {
  const { lists } = await standing("127.0.0.1");
  for (const list of Object.keys(lists) as NetworkList[])
    for (const network of lists[list]) expect((await remove(list, network)).status).toBe(200);
});

const from = (address: string | undefined) => ({ headers: { "cf-connecting-ip": address } });
const standing = async (address = HERE): Promise<Networks> =>
  (await town.page.must("networks", from(address))) as unknown as Networks;

interface Made {
  /** The edge's own machine, unless said otherwise. */
  readonly address?: string;
  readonly bends?: Bends;
}

async function change(what: Fields, { address = "127.0.0.1", bends }: Made = {}): Promise<Reply> {
  const body = await approvedBody(town.founded, { endpoint: "networksChange", change: what }, bends);
  return town.page.call("networksChange", { body, ...from(address) });
}
const add = (list: NetworkList, network: string, made?: Made): Promise<Reply> =>
  change({ setting: "networkAdd", list, network }, made);
const remove = (list: NetworkList, network: string, made?: Made): Promise<Reply> =>
  change({ setting: "networkRemove", list, network }, made);

const health = async (address: string | undefined, via = edge): Promise<string | undefined> => {
  const headers: Record<string, string> = address === undefined ? {} : { "cf-connecting-ip": address };
  return (await replyOf(await via.send("web", new Request(`${ORIGIN}/api/health`, { headers })))).code;
};
const agent = async (address: string): Promise<string | undefined> => {
  const headers = { "cf-connecting-ip": address };
  return (await replyOf(await send("agent", new Request("https://agents.test:4471/health", { headers })))).code;
};

describe("the dashboard's door", () => {
  it("is closed to what is denied, before anything is looked at, and says so in one sentence", async () => {
    expect((await add("deny", "198.51.100.0/24")).status).toBe(200);
    expect([await health("198.51.100.1"), await health(HERE)]).toEqual(["network_refused", undefined]);
    const page = new EdgePage(edge, town.page.signer, town.page.cookie);
    const { status, body } = await page.call("me", from("198.51.100.1"));
    expect([status, body["code"]]).toEqual([403, "network_refused"]);
    expect((await page.call("me", from(HERE))).status).toBe(200);
  });

  it("answers only what is allowed, once anything is", async () => {
    expect((await add("allow", "203.0.113.0/24", { address: HERE })).status).toBe(200);
    const codes = await Promise.all([HERE, "198.51.100.1", "2001:db8::1", undefined].map((one) => health(one)));
    expect(codes).toEqual([undefined, "network_refused", "network_refused", "network_refused"]);
    expect((await add("allow", "2001:db8::/32")).status).toBe(200);
    expect(await health("2001:db8::1")).toBeUndefined();
  });

  it("stays closed to what is denied and allowed at once", async () => {
    await add("allow", "198.51.100.0/24");
    await add("deny", "198.51.100.7");
    expect([await health("198.51.100.7"), await health("198.51.100.8")]).toEqual(["network_refused", undefined]);
  });

  it("is never closed to the edge's own machine", async () => {
    expect((await add("deny", "0.0.0.0/0")).status).toBe(200);
    expect((await add("deny", "127.0.0.0/8")).status).toBe(200);
    expect([await health("127.0.0.1"), await health("::1"), await health(HERE)]).toEqual([
      undefined,
      undefined,
      "network_refused",
    ]);
  });

  it("opens again when the owner of the deployment switches the lists off", async () => {
    await add("deny", "0.0.0.0/0");
    const off = edgeWith({ NETWORK_LISTS: "off" });
    expect([await health(HERE), await health(HERE, off)]).toEqual(["network_refused", undefined]);
    const page = new EdgePage(off, town.page.signer, town.page.cookie);
    expect(await page.must("networks")).toMatchObject({ isOff: true, lists: { deny: ["0.0.0.0/0"] } });
    expect(await health(HERE, edgeWith({ NETWORK_LISTS: "on" }))).toBe("network_refused");
  });

  it("keeps its lists through an eviction", async () => {
    await add("deny", "198.51.100.0/24");
    await evictDurableObject(env.LIMITS.getByName(town.workspace));
    expect(await health("198.51.100.1", edgeWith({}))).toBe("network_refused");
  });
});

describe("the agents' door", () => {
  it("has a deny list of its own, and only that", async () => {
    await add("deny", "198.51.100.0/24");
    expect(await agent("198.51.100.1")).toMatch(/^certificate_/);
    expect((await add("deny-hosts", "192.0.2.0/24")).status).toBe(200);
    expect(await agent("192.0.2.1")).toBe("network_refused");
    expect([await health("192.0.2.1"), await agent("198.51.100.1")]).toEqual([
      undefined,
      expect.stringMatching(/^certificate_/),
    ]);
  });
});

describe("a change", () => {
  it("is a touch and an entry, and says how everything stands", async () => {
    const { body } = await add("spared", "203.0.113.0/24", { address: HERE });
    expect(body).toMatchObject({
      lists: { allow: [], deny: [], spared: ["203.0.113.0/24"], "deny-hosts": [] },
      bans: [],
      you: HERE,
      isLocal: false,
      isOff: false,
    });
    expect((await ledgerBodies(town.workspace)).at(-1)).toMatchObject({
      action: "setting.changed",
      detail: { setting: "networkAdd" },
    });
    expect(await standing("127.0.0.1")).toMatchObject({ you: "127.0.0.1", isLocal: true });
    expect(await standing("2001:db8::5")).toMatchObject({ you: "2001:db8::/64" });
  });

  it.each([
    ["a deny of its own address", "networkAdd", "deny", "203.0.113.0/24"],
    ["an allow of others only", "networkAdd", "allow", "198.51.100.0/24"],
  ] as const)("that would turn away whoever makes it is refused before the touch is spent: %s", async (...row) => {
    const [, setting, list, network] = row;
    const before = (await ledgerBodies(town.workspace)).length;
    const body = await approvedBody(town.founded, { endpoint: "networksChange", change: { setting, list, network } });
    expect((await town.page.call("networksChange", { body })).code).toBe("network_locks_out");
    expect((await standing()).lists[list]).toEqual([]);
    expect((await ledgerBodies(town.workspace)).length).toBe(before);
    // The touch is still good for the machine that is never locked out.
    expect((await town.page.call("networksChange", { body, ...from("127.0.0.1") })).status).toBe(200);
  });

  it("by which the last allowed network of its own would go is refused", async () => {
    await add("allow", "203.0.113.0/24");
    await add("allow", "198.51.100.0/24");
    const gone = await remove("allow", "203.0.113.0/24", { address: HERE });
    expect(gone.code).toBe("network_locks_out");
  });

  it("of what is there or not there is told", async () => {
    await add("deny", "192.0.2.1");
    expect((await add("deny", "192.0.2.1")).code).toBe("network_known");
    expect((await remove("deny", "192.0.2.2")).code).toBe("network_unknown");
    expect((await remove("allow", "192.0.2.1")).code).toBe("network_unknown");
  });

  it("beyond so many is refused", async () => {
    const limits = env.LIMITS.getByName(town.workspace);
    for (let i = 0; i < MAX_NETWORKS; i += 1)
      await limits.change(town.workspace, { setting: "networkAdd", list: "spared", network: `10.0.0.${i}` });
    expect((await add("spared", "10.0.1.0")).code).toBe("networks_many");
    expect(await limits.change(town.workspace, { setting: "networkAdd", list: "spared", network: "10.0.1.0" })).toBe(
      "full",
    );
    for (let i = 0; i < MAX_NETWORKS; i += 1)
      await limits.change(town.workspace, { setting: "networkRemove", list: "spared", network: `10.0.0.${i}` });
  });

  it("without its touch changes nothing", async () => {
    const bends = { action: { session: fresh() } };
    expect((await add("deny", "192.0.2.1", { bends })).code).toBe("approval_wrong");
    expect((await standing()).lists.deny).toEqual([]);
  });

  it.each(["10.0.0.1/8", "example.com", "10.0.0.0/8 ", "", "2001:DB8::/32", "0.0.0.0/0/0"])(
    "to a network that is not written as one is refused: %j",
    async (network) => {
      expect((await add("deny", network)).code).toBe("malformed_request");
    },
  );
});

describe("an unknown address", () => {
  it("is where everybody is allowed, and nowhere else", () => {
    expect(mayEnter({ allow: [], deny: ["0.0.0.0/0"] }, placeOf(undefined))).toBe(true);
    expect(mayEnter({ allow: ["0.0.0.0/0", "::/0"], deny: [] }, placeOf(undefined))).toBe(false);
    expect(placeOf("nonsense")).toMatchObject({ network: "unknown", isLocal: false });
  });
});
