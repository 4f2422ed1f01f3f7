import { ftruncateSync, writeSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { fromBase64url, toBase64url } from "../../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../../protocol/canonical.ts";
import { assertedCodec, preparedCodec } from "../../../../protocol/messages.ts";
import { digestOf, verifySignature } from "../../../../protocol/signing.ts";
import { trustAckCodec, type InwardFrame } from "../../../../protocol/tunnel.ts";
import { signedPrepare, TUNNEL } from "../../../fixtures/command.ts";
import { nonceOf, signed } from "../../../fixtures/keys.ts";
import { applied, fingerprintOf, makeRoot, makeWorld, stated } from "../../../fixtures/workspace.ts";
import { Rig } from "./rig.ts";

let host: Rig;
async function open(): Promise<Rig> {
  host = await Rig.open();
  return host;
}
afterEach(async () => {
  expect(host.faults).toEqual([]);
  await host.close();
});

const violation = (code: string): object => expect.objectContaining({ name: "TunnelViolation", code });

describe("before the edge has proven itself", () => {
  it("says who it is, over the edge's nonce, and what it holds", async () => {
    await open();
    const hello = await host.challenge();
    expect(hello).toMatchObject({
      workspace: host.world.workspace,
      host: host.world.host,
      tunnel: TUNNEL,
      lastReceipt: 0,
      lastAck: 0,
    });
    expect(hello.trustHead).toBeUndefined();
  });

  it("takes trust statements from anybody", async () => {
    await open();
    await host.receive({ kind: "trust", page: host.page() });
    expect(host.context.trust.state?.head).toEqual(host.world.state.head);
  });

  it("takes nothing else", async () => {
    await open();
    const command = await host.seal();
    const frames: InwardFrame[] = [
      { kind: "deliver", number: 1, envelope: toBase64url(command.bytes) },
      {
        kind: "prepare",
        prepare: await signedPrepare(host.world, command.session),
        session: toBase64url(assertedCodec.encode(command.submission.session)),
      },
      { kind: "ack", receipt: 1 },
      { kind: "drain" },
    ];
    await host.challenge();
    await host.receive({ kind: "trust", page: host.page() });
    for (const frame of frames) await expect(host.receive(frame)).rejects.toEqual(violation("out_of_order"));
    expect(host.sent.map((frame) => frame.kind)).toEqual(["hello"]);
  });

  it("refuses a welcome without a challenge, without trust, and twice", async () => {
    await open();
    const hello = await host.challenge();
    const welcome: InwardFrame = { kind: "welcome", signed: await host.signWelcome(hello) };
    await expect(host.receive(welcome)).rejects.toEqual(violation("out_of_order"));
    await host.receive({ kind: "trust", page: host.page() });
    await host.receive(welcome);
    await expect(host.receive(welcome)).rejects.toEqual(violation("out_of_order"));
    await expect(host.receive({ kind: "challenge", edgeNonce: nonceOf("again"), tunnel: TUNNEL })).rejects.toEqual(
      violation("out_of_order"),
    );
    host.tunnel = host.connect();
    await expect(host.receive(welcome)).rejects.toEqual(violation("out_of_order"));
  });
});

describe("the welcome", () => {
  it("is answered with the signed trust head", async () => {
    await open();
    await host.welcome();
    const { signed: ack } = host.last("trust-ack");
    const body = fromBase64url(ack.body);
    expect(trustAckCodec.decode(body)).toMatchObject({ trustHead: host.world.state.head, host: host.world.host });
    expect(
      await verifySignature({
        kind: "trust-ack",
        body,
        signature: ack.signature,
        publicKey: host.world.keys.host.publicKey,
      }),
    ).toBe(true);
  });

  it("counts only with the dispatch key of the trust log", async () => {
    await open();
    await expect(host.welcome({}, host.world.keys.stranger)).rejects.toEqual(violation("edge_unproven"));
    await expect(host.welcome({}, host.world.keys.ledger)).rejects.toEqual(violation("edge_unproven"));
  });

  it("counts only for this very tunnel", async () => {
    await open();
    const bent = {
      workspace: nonceOf("other workspace"),
      host: "h-other",
      tunnel: nonceOf("other tunnel"),
      certFingerprint: fingerprintOf("other certificate"),
      hostNonce: nonceOf("other host nonce"),
      edgeNonce: nonceOf("other edge nonce"),
    };
    for (const [name, value] of Object.entries(bent)) {
      await expect(host.welcome({ [name]: value }), name).rejects.toEqual(violation("edge_unproven"));
    }
  });

  it("is not a signed body of another kind", async () => {
    await open();
    const hello = await host.challenge();
    await host.receive({ kind: "trust", page: host.page() });
    const { body } = await host.signWelcome(hello);
    const asDispatch = await signed(host.world.keys.dispatch, "dispatch", fromBase64url(body));
    await expect(host.receive({ kind: "welcome", signed: asDispatch })).rejects.toEqual(violation("edge_unproven"));
    const garbage = await signed(host.world.keys.dispatch, "welcome", encodeCanonical({ v: 1 }));
    await expect(host.receive({ kind: "welcome", signed: garbage })).rejects.toEqual(violation("edge_unproven"));
  });

  it("repeats the receipts that the edge has not confirmed", async () => {
    await open();
    await host.welcome();
    await host.deliver((await host.command()).bytes);
    const [receipt] = host.receipts();
    host.sent.length = 0;
    await host.welcome();
    expect(host.receipts()).toEqual([receipt]);
    await host.receive({ kind: "ack", receipt: 1 });
    host.sent.length = 0;
    await host.welcome();
    expect(host.receipts()).toEqual([]);
  });
});

describe("trust on the tunnel", () => {
  it("ends the tunnel for another workspace", async () => {
    await open();
    const other = await makeRoot((draft) => {
      draft.root = { ...draft.root, at: 1 };
    });
    await expect(host.receive({ kind: "trust", page: { root: other.signed, statements: [] } })).rejects.toEqual(
      violation("foreign_workspace"),
    );
    await host.receive({ kind: "trust", page: host.page() });
    await expect(host.receive({ kind: "trust", page: { root: other.signed, statements: [] } })).rejects.toEqual(
      violation("foreign_workspace"),
    );
  });

  it("ends the tunnel for a statement that does not verify", async () => {
    await open();
    await host.receive({ kind: "trust", page: host.page() });
    const { state, people } = host.world;
    const byViewer = await stated(
      { state, by: people.vera.passkey },
      { kind: "host.remove", body: { host: host.world.host } },
    );
    await expect(host.receive({ kind: "trust", page: { statements: [byViewer] } })).rejects.toEqual(
      violation("trust_refused"),
    );
    expect(host.context.trust.state?.head).toEqual(state.head);
  });

  it("tells what a page brought, also when it ended in a violation or at a full disk", async () => {
    let told = 0;
    let isFull = false;
    host = await Rig.open({
      onTrust: () => (told += 1),
      trustIo: {
        write: (fd, bytes, position) => {
          if (isFull) throw Object.assign(new Error("no space"), { code: "ENOSPC" });
          return writeSync(fd, bytes, 0, bytes.length, position);
        },
        sync: () => {
          isFull = told === 1;
        },
        truncate: ftruncateSync,
      },
    });
    const { state, people } = host.world;
    const byViewer = await stated(
      { state, by: people.vera.passkey },
      { kind: "host.remove", body: { host: host.world.host } },
    );
    const page = host.page();
    const bent = { ...page, statements: [...page.statements, byViewer] };
    await expect(host.receive({ kind: "trust", page: bent })).rejects.toEqual(violation("trust_refused"));
    expect(told).toBe(1);
    const by = people.ada.passkey;
    const first = await stated({ state, by }, { kind: "person.revoke", body: { person: "p-nora" } });
    const second = await stated({ state, by }, { kind: "person.revoke", body: { person: "p-scot" } });
    await host.receive({ kind: "trust", page: { statements: [first, second] } });
    expect(host.context.trust.state?.revocations.size).toBe(1);
    expect(told).toBe(2);
    expect(host.logged.at(-1)).toEqual({ event: "trust_write_failed" });
  });

  it("acknowledges an empty page: that is how the edge asks for a sign of life", async () => {
    await open();
    await host.welcome();
    host.sent.length = 0;
    await host.receive({ kind: "trust", page: { statements: [] } });
    expect(host.sent.map((frame) => frame.kind)).toEqual(["trust-ack"]);
  });

  it("says that it holds two histories, and obeys neither", async () => {
    await open();
    await host.welcome();
    const { state, people } = host.world;
    const [mine, theirs] = await Promise.all(
      [[], ["operator"]].map((roles) =>
        stated({ state, by: people.ada.passkey }, { kind: "role.assign", body: { person: "p-nora", roles } }),
      ),
    );
    if (mine === undefined || theirs === undefined) throw new TypeError("no statements");
    await host.receive({ kind: "trust", page: { statements: [mine] } });
    expect(trustAckCodec.decode(fromBase64url(host.last("trust-ack").signed.body)).frozen).toBeUndefined();
    await host.receive({ kind: "trust", page: { statements: [theirs] } });
    expect(trustAckCodec.decode(fromBase64url(host.last("trust-ack").signed.body)).frozen).toEqual({
      reason: "fork",
      place: state.head.n + 1,
      mine: digestOf("statement", fromBase64url(mine.statement)),
      other: digestOf("statement", fromBase64url(theirs.statement)),
    });
    expect(host.logged.filter((line) => line["event"] === "trust_fork")).toHaveLength(1);
    await host.receive({ kind: "trust", page: { statements: [mine, theirs] } });
    expect(host.logged.filter((line) => line["event"] === "trust_fork")).toHaveLength(1);
    expect(host.warden.standing().isFrozen).toBe(true);
    expect(await host.prepare()).toMatchObject({ kind: "refused", code: "trust_frozen" });
  });

  it("asks for the revocations that a statement knew and that never came, once a minute", async () => {
    await open();
    await host.welcome();
    const { state, people } = host.world;
    const by = people.ada.passkey;
    const revoking = await stated({ state, by }, { kind: "person.revoke", body: { person: "p-nora" } });
    const then = await applied(state, revoking);
    const next = await stated({ state: then, by }, { kind: "role.assign", body: { person: "p-vera", roles: [] } });
    const statements = [{ ...next, knew: [...then.revocations.keys()] }];
    await host.receive({ kind: "trust", page: { statements } });
    await host.receive({ kind: "trust", page: { statements } });
    expect(host.sent.flatMap((frame) => (frame.kind === "trust-want" ? [frame.after] : []))).toEqual([state.head]);
    await host.receive({ kind: "trust", page: { statements: [revoking, ...statements] } });
    expect(host.context.trust.state?.head.n).toBe(state.head.n + 1);
  });

  it("goes on after what an honest edge sends late", async () => {
    await open();
    await host.welcome();
    const { state, people } = host.world;
    const gap = await stated(
      { state, by: people.ada.passkey },
      {
        kind: "role.assign",
        body: { person: "p-vera", roles: [] },
      },
      (draft) => {
        draft.statement["prev"] = { n: state.head.n + 3, hash: nonceOf("not here yet") };
      },
    );
    await host.receive({ kind: "trust", page: { statements: [gap] } });
    expect(host.logged).toContainEqual({ event: "trust_passed_over", code: "place" });
    expect((await host.prepare()).kind).toBe("prepared");
  });

  it("acknowledges a change at once", async () => {
    await open();
    await host.welcome();
    const { state, people } = host.world;
    const change = await stated(
      { state, by: people.ada.passkey },
      { kind: "role.assign", body: { person: "p-otto", roles: [] } },
    );
    host.sent.length = 0;
    await host.receive({ kind: "trust", page: { statements: [change] } });
    expect(trustAckCodec.decode(fromBase64url(host.last("trust-ack").signed.body)).trustHead.n).toBe(state.head.n + 1);
  });
});

describe("prepare", () => {
  it("gives the same request the same challenge", async () => {
    await open();
    await host.welcome();
    const { session, submission } = await host.seal();
    const prepare = await signedPrepare(host.world, session);
    const asserted = toBase64url(assertedCodec.encode(submission.session));
    const challenges = new Set<string>();
    for (let i = 0; i < 6; i += 1) {
      const frame = await host.prepareWith(prepare, asserted);
      if (frame.kind === "prepared") challenges.add(preparedCodec.decode(fromBase64url(frame.signed.body)).challenge);
    }
    expect(challenges.size).toBe(1);
  });

  it("refuses with the same names as a command", async () => {
    await open();
    await host.welcome();
    const { world } = host;
    expect(await host.prepare({ host: "h-other" })).toMatchObject({ code: "target" });
    expect(await host.prepare({ workspace: nonceOf("other") })).toMatchObject({ code: "workspace" });
    expect(await host.prepare({ operation: "gateway.explode@1" })).toMatchObject({ code: "operation" });
    expect(await host.prepare({ surplus: 1 })).toMatchObject({ code: "malformed" });
    expect(await host.prepare({ actor: { session: nonceOf("another session") } })).toMatchObject({
      code: "session_key",
    });
    const viewer = (draft: Parameters<NonNullable<Parameters<Rig["seal"]>[0]>>[0]): void => {
      draft.session.passkey = world.people.vera.passkey;
    };
    expect(await host.prepare({}, viewer)).toMatchObject({ code: "role" });
    expect(await host.prepare({}, (draft) => (draft.session.passkey = world.people.scot.passkey))).toMatchObject({
      code: "host_scope",
    });
    expect(
      await host.prepare(
        {},
        (draft) => (draft.session.body = { ...draft.session.body, exp: 1_700_000_000, iat: 1_699_999_000 }),
      ),
    ).toMatchObject({ code: "session_lifetime" });
  });

  it("refuses a session that is none", async () => {
    await open();
    await host.welcome();
    const { session } = await host.seal();
    expect(
      await host.prepareWith(await signedPrepare(host.world, session), toBase64url(encodeCanonical({ v: 1 }))),
    ).toMatchObject({ code: "session_malformed" });
  });

  it("refuses the fifth of one person", async () => {
    await open();
    await host.welcome();
    for (let i = 0; i < 4; i += 1) expect((await host.prepare()).kind).toBe("prepared");
    expect(await host.prepare()).toMatchObject({ kind: "refused", code: "busy" });
    expect((await host.prepare({}, (draft) => (draft.session.passkey = host.world.people.otto.passkey))).kind).toBe(
      "prepared",
    );
  });

  it("is refused by a host that nobody has admitted", async () => {
    await open();
    const world = await makeWorld();
    const before = world.statements.slice(0, -1); // the last one admits the host
    const hello = await host.challenge();
    await host.close();
    host = await Rig.open({ world });
    const again = await host.challenge();
    expect(again.host).toBe(hello.host);
    await host.receive({ kind: "trust", page: { root: world.root, statements: before } });
    await host.receive({ kind: "welcome", signed: await host.signWelcome(again) });
    expect(host.warden.admission()).toBe("none");
    expect(await host.prepare()).toMatchObject({ kind: "refused", code: "target" });
    const last = world.statements.at(-1);
    if (last === undefined) throw new TypeError("no statement");
    await host.receive({ kind: "trust", page: { statements: [last] } });
    expect(host.warden.admission()).toBe("admitted");
    expect((await host.prepare()).kind).toBe("prepared");
  });
});
