/** The edge's own keys change: it signs with what the trust log names, from one moment to the next and never before. */
import { evictDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { CheckpointTable } from "../../durable-objects/db/checkpoint-table.ts";
import { openDatabase } from "../../durable-objects/db/database.ts";
import { TrustLog } from "../../durable-objects/db/trust-log.ts";
import { hostOf } from "../../durable-objects/env.ts";
import { Delivery } from "../../durable-objects/host/delivery.ts";
import { keepAttachment, type AgentAttachment } from "../../durable-objects/host/sockets.ts";
import type { HostStore } from "../../durable-objects/host/store.ts";
import { fromBase64url } from "../../protocol/bytes.ts";
import { openCheckpoint } from "../../protocol/checkpoint.ts";
import { envelopeCodec } from "../../protocol/messages.ts";
import { noteFromWire } from "../../protocol/note.ts";
import { verifySignature, type Signer } from "../../protocol/signing.ts";
import { inwardFrames } from "../../protocol/tunnel.ts";
import { admittedTo } from "../fixtures/edge/admitted.ts";
import { HostPeer, type Tunnel } from "../fixtures/edge/host-peer.ts";
import { Town } from "../fixtures/edge/town.ts";
import { nonceOf, signerOf } from "../fixtures/keys.ts";
import { admin, edge, edgeWith, fresh, replyOf } from "./client.ts";
import { env } from "./environment.ts";

const keyOf = async (name: string): Promise<string> => (await signerOf(name)).publicKey;

let town: Town;
let peer: HostPeer;
let tunnel: Tunnel;
beforeAll(async () => {
  town = await Town.at(edge);
  ({ peer, tunnel } = await admittedTo(town, "keys"));
});

/** Hosts' objects that hear of no statement. */
const deaf = {
  getByName: (name: string) =>
    new Proxy(env.HOST.getByName(name), {
      get: (stub, member) =>
        member === "trustChanged" ? () => Promise.resolve() : (Reflect.get(stub, member) as unknown),
    }),
} as unknown as typeof env.HOST;

/** Admitted, and not here. */
async function absent(name: string): Promise<HostPeer> {
  const host = await HostPeer.at(edge, name, town.workspace);
  await host.join();
  await town.admit(host);
  return host;
}

/** The key, of these, that signed the next delivery on this tunnel. */
async function deliveredBy(to: Tunnel, keys: readonly string[]): Promise<string | undefined> {
  const { body, digest } = await town.submission(peer.host);
  const answer = town.page.call("command", { body });
  const { envelope } = await to.next("deliver");
  to.say({ kind: "refused", subject: digest, code: "challenge" });
  await answer;
  const { dispatch } = envelopeCodec.decode(fromBase64url(envelope));
  for (const publicKey of keys) {
    const { signature } = dispatch;
    if (await verifySignature({ kind: "dispatch", body: fromBase64url(dispatch.body), signature, publicKey }))
      return publicKey;
  }
  return undefined;
}

/** The key, of these, that signed the log's newest checkpoint. */
async function signedBy(note: string, keys: readonly string[]): Promise<string | undefined> {
  for (const ledgerKey of keys) {
    const opened = await openCheckpoint(note, { workspace: town.workspace, ledgerKey });
    if (typeof opened !== "string") return ledgerKey;
  }
  return undefined;
}

async function checkpoint(): Promise<{ readonly note: string; readonly size: number }> {
  const signed = await env.LEDGER.getByName(town.workspace).checkpoint(town.workspace);
  if (!signed.ok) throw new Error(JSON.stringify(signed));
  return signed;
}

describe("the keys that the edge holds", () => {
  it("are shown to administrators, in their order, and change nothing by being there", async () => {
    const { dispatchKey, ledgerKey } = await town.trust();
    expect(await town.page.must("edgeKeys")).toEqual({
      dispatch: [dispatchKey, await keyOf("next dispatch")],
      ledger: [ledgerKey, await keyOf("next ledger")],
    });
    expect(await deliveredBy(tunnel, [dispatchKey, await keyOf("next dispatch")])).toBe(dispatchKey);
    expect(await signedBy((await checkpoint()).note, [ledgerKey, await keyOf("next ledger")])).toBe(ledgerKey);
  });

  it("are one where no other waits", async () => {
    const alone = edgeWith({ DISPATCH_KEY_NEXT: "", LEDGER_KEY_NEXT: undefined as unknown as string });
    const reply = await replyOf(await alone.send("web", await town.page.request("edgeKeys")));
    expect(reply.body).toEqual({ dispatch: [await keyOf("dispatch")], ledger: [await keyOf("ledger")] });
  });

  it("are all that a change may name: to another key this edge could never answer again", async () => {
    const key = await keyOf("nobody's");
    for (const kind of ["dispatch-key.rotate", "ledger-key.rotate"] as const)
      expect((await town.state(kind, { key })).code).toBe("edge_key_unheld");
    // A key of the other job is not one for this.
    expect((await town.state("dispatch-key.rotate", { key: await keyOf("next ledger") })).code).toBe("edge_key_unheld");
  });
});

describe("a change of the dispatch key", () => {
  it("counts for the very next delivery on an open tunnel, and the host is told of it first", async () => {
    const [old, next] = [await keyOf("dispatch"), await keyOf("next dispatch")];
    // Nobody tells the hosts: what tells them may be late, or have died.
    const body = await town.statement("dispatch-key.rotate", { key: next });
    const request = await town.page.request("trustState", { body });
    expect((await edgeWith({ HOST: deaf }).send("web", request)).status).toBe(200);
    const heard = tunnel.heard.length;
    expect(await deliveredBy(tunnel, [old, next])).toBe(next);
    const since = tunnel.heard.slice(heard).map(({ kind }) => kind);
    expect(since.filter((kind) => kind !== "checkpoint")).toEqual(["trust", "deliver"]);
    // By this the supervising process knows which seed it may forget.
    expect((await admin("/admin/named-keys")).body).toEqual({
      named: { dispatch: next, ledger: await keyOf("ledger") },
    });
  });

  it("holds for an object that was put away meanwhile, and for a host that was away", async () => {
    const next = await keyOf("next dispatch");
    await evictDurableObject(hostOf(env, town.workspace, peer.host));
    expect(await deliveredBy(tunnel, [next])).toBe(next);
    const away = await absent("away");
    const back = await away.connect();
    await back.hello();
    const { body, signature } = (await back.next("welcome")).signed;
    const isByNext = { kind: "welcome", body: fromBase64url(body), signature, publicKey: next } as const;
    expect(await verifySignature(isByNext)).toBe(true);
    expect(back.heard.map(({ kind }) => kind).slice(0, 3)).toEqual(["challenge", "trust", "welcome"]);
  });
});

describe("a delivery that is being signed while the host is told of a change", () => {
  it("is signed again: the first signature may be by the key before", async () => {
    const { bytes } = await town.submission(peer.host);
    const submission = new TextDecoder().decode(bytes);
    const sent: string[] = [];
    let attachment: AgentAttachment = {
      kind: "agent",
      workspace: town.workspace,
      host: peer.host,
      hostKey: peer.key.publicKey,
      certFingerprint: "ab".repeat(32),
      phase: "welcomed",
      tunnel: fresh(),
      edgeNonce: fresh(),
      trustSent: 3,
      openedAt: 1,
    };
    const socket = {
      send: (text: string) => void sent.push(text),
      serializeAttachment: (value: AgentAttachment) => void (attachment = value),
      deserializeAttachment: () => attachment,
    } as unknown as WebSocket;
    const store = {
      openCommandAfter: (number: number) => (number === 0 ? { intent: fresh(), submission, number: 1 } : undefined),
      openCommandsUpTo: () => 0,
      markDelivered: () => undefined,
    } as unknown as HostStore;
    const [old, next] = [await signerOf("dispatch"), await signerOf("next dispatch")];
    const told: Signer = {
      ...old,
      sign: async (kind, body) => {
        keepAttachment(socket, { ...attachment, trustSent: 4 });
        return old.sign(kind, body);
      },
    };
    const signers = [told, next];
    const delivery = new Delivery(store, () => Promise.resolve(signers.shift()));
    await delivery.advance(() => ({ socket, attachment }));
    expect(sent).toHaveLength(1);
    const frame = inwardFrames.decode(sent[0] ?? "");
    const { dispatch } = envelopeCodec.decode(fromBase64url(frame.kind === "deliver" ? frame.envelope : ""));
    const { signature } = dispatch;
    const byNext = {
      kind: "dispatch",
      body: fromBase64url(dispatch.body),
      signature,
      publicKey: next.publicKey,
    } as const;
    expect(await verifySignature(byNext)).toBe(true);
  });
});

describe("the log as a request saw it", () => {
  it("is taken for what it is only where that is the newest that was verified", async () => {
    const { workspace } = town;
    const { head } = await town.trust();
    const log = new TrustLog(openDatabase(env.DB));
    expect(log.seenAs(workspace, head)).toBeUndefined(); // nothing was verified by it yet
    expect((await log.current(workspace))?.head).toEqual(head);
    expect(log.seenAs(workspace, head)?.head).toEqual(head);
    for (const other of [{ n: head.n - 1 }, { hash: nonceOf("other") }, { revoked: nonceOf("other") }])
      expect(log.seenAs(workspace, { ...head, ...other })).toBeUndefined();
    expect(log.seenAs(nonceOf("elsewhere"), head)).toBeUndefined();
  });
});

describe("a change of the ledger key", () => {
  it("signs what is there anew at once, and the host is told of the key before it is shown the checkpoint", async () => {
    const [old, next] = [await keyOf("ledger"), await keyOf("next ledger")];
    const before = await checkpoint();
    expect(await signedBy(before.note, [old, next])).toBe(old);
    expect((await town.state("ledger-key.rotate", { key: next })).status).toBe(200);
    const table = new CheckpointTable(env.DB, town.workspace);
    const stored = await table.newest();
    expect(await signedBy(stored?.note ?? "", [old, next])).toBe(next);
    expect(stored?.size).toBeGreaterThan(before.size);
    for (;;) {
      const shown = noteFromWire((await tunnel.next("checkpoint")).note);
      if ((await signedBy(shown, [old, next])) === next) break;
    }
    const kinds = tunnel.heard.map(({ kind }) => kind);
    expect(kinds.lastIndexOf("trust")).toBeLessThan(kinds.lastIndexOf("checkpoint"));
  });
});

describe("an edge that holds no key of the name in the log", () => {
  it("lets no host in, says why, and goes on answering people", async () => {
    // Another edge takes over: its keys are not here.
    const late = await absent("late");
    const keys = { dispatchKey: await keyOf("elsewhere"), ledgerKey: await keyOf("elsewhere ledger") };
    expect((await town.state("root.rotate", keys)).status).toBe(200);
    const away = await late.connect();
    await away.hello();
    expect(await away.closed()).toBe(4007);
    expect(await env.LEDGER.getByName(town.workspace).checkpoint(town.workspace)).toMatchObject({ ok: false });
    expect((await town.page.call("hosts")).status).toBe(200);
  });

  it("keeps a command for the host that is still there, and sends nothing", async () => {
    const { body, digest } = await town.submission(peer.host);
    const { status, body: answer } = await town.page.call("command", { body });
    expect(status).toBe(200);
    expect(answer["statuses"]).toMatchObject([{ intent: digest, state: "queued" }]);
    expect(tunnel.heard.at(-1)?.kind).not.toBe("deliver");
  });
});
