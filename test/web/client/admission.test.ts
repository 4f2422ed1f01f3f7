import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { HostRow } from "../../../protocol/contracts.ts";
import { encodeCanonical } from "../../../protocol/canonical.ts";
import type { Signed } from "../../../protocol/messages.ts";
import type { Signer } from "../../../protocol/signing.ts";
import type { HostBody } from "../../../protocol/trust/statements.ts";
import { hostIdOf, hostWords } from "../../../protocol/words.ts";
import { readJoin, requireShown } from "../../../web/client/admission.ts";
import { Hosts } from "../../../web/client/hosts.ts";
import { TrustKeeper } from "../../../web/client/trust.ts";
import { TroubleError } from "../../../web/client/trouble.ts";
import type { HostView } from "../../../web/state/backend.ts";
import { flipBase64url, nonceOf, signed, signerOf } from "../../fixtures/keys.ts";
import { hostBodyOf, makeWorld, type Fields, type World } from "../../fixtures/workspace.ts";
import { FarEnd } from "./far-end.ts";

let world: World;
let newcomer: HostBody;
let key: Signer;
let evil: Signer;
beforeAll(async () => {
  world = await makeWorld();
  newcomer = await hostBodyOf("newcomer");
  key = await signerOf("newcomer");
  evil = await signerOf("the edge's own");
});

function joinOf(change: Fields = {}, signer: Signer = key): Promise<Signed> {
  const { hostKey, cosignKey, label, colocated } = newcomer;
  const honest = {
    v: 1,
    workspace: world.workspace,
    hostKey,
    cosignKey,
    label,
    colocated,
    csr: "AA",
    nonce: nonceOf("j"),
  };
  return signed(signer, "join", encodeCanonical({ ...honest, ...change }));
}

async function codeOf(join: Signed | undefined, host = newcomer.host): Promise<string> {
  const reading = await readJoin({ host, ...(join === undefined ? {} : { join }) }, world.workspace);
  return reading.ok ? "ok" : reading.trouble.code;
}

describe("what a waiting host signed", () => {
  it("is read from its own join", async () => {
    const reading = await readJoin({ host: newcomer.host, join: await joinOf() }, world.workspace);
    expect(reading).toMatchObject({ ok: true, applicant: { body: newcomer } });
  });

  it("is not there", async () => {
    expect(await codeOf(undefined)).toBe("join_missing");
  });

  it("was signed by somebody else, or changed afterwards", async () => {
    expect(await codeOf(await joinOf({}, evil))).toBe("join_false");
    expect(await codeOf(await joinOf({ cosignKey: evil.publicKey }, evil))).toBe("join_false");
    const { body, signature } = await joinOf();
    const { body: other } = await joinOf({ cosignKey: evil.publicKey });
    expect(await codeOf({ body: other, signature })).toBe("join_false");
    expect(await codeOf({ body, signature: flipBase64url(signature) })).toBe("join_false");
    expect(await codeOf({ body, signature: await key.sign("hello", new Uint8Array([1])) })).toBe("join_false");
  });

  it("is for another workspace, or of another host", async () => {
    expect(await codeOf(await joinOf({ workspace: nonceOf("elsewhere") }))).toBe("join_false");
    expect(await codeOf(await joinOf({ hostKey: evil.publicKey }, evil))).toBe("join_false");
    expect(await codeOf(await joinOf(), hostIdOf(evil.publicKey))).toBe("join_false");
  });

  it("is no join", async () => {
    expect(await codeOf(await joinOf({ extra: 1 }))).toBe("join_false");
    expect(await codeOf(await signed(key, "join", new Uint8Array([0x7b])))).toBe("join_false");
  });
});

describe("what is admitted", () => {
  function refusal(work: () => unknown): string {
    try {
      work();
      return "nothing";
    } catch (error) {
      if (error instanceof TroubleError) return error.trouble.code;
      throw error;
    }
  }

  it("is what was shown, and nothing that came afterwards", async () => {
    const reading = await readJoin({ host: newcomer.host, join: await joinOf() }, world.workspace);
    const later = await readJoin({ host: newcomer.host, join: await joinOf({ nonce: nonceOf("k") }) }, world.workspace);
    const shown = reading.ok ? reading.applicant.join : "";
    expect(requireShown(reading, shown)).toEqual(newcomer);
    expect(refusal(() => requireShown(later, shown))).toBe("join_changed");
    expect(refusal(() => requireShown(reading, undefined))).toBe("join_changed");
    expect(refusal(() => requireShown(undefined, shown))).toBe("join_missing");
    const bad = await readJoin({ host: newcomer.host, join: await joinOf({}, evil) }, world.workspace);
    expect(refusal(() => requireShown(bad, shown))).toBe("join_false");
  });
});

describe("the fleet of an edge that lies", () => {
  let far: FarEnd;
  let hosts: Hosts;
  beforeEach(async () => {
    far = new FarEnd(world);
    const trust = new TrustKeeper(far.deps());
    await trust.refresh();
    hosts = new Hosts({ ...far.deps(), trust });
  });

  async function viewOf(change: Partial<HostRow>): Promise<HostView> {
    far.hosts = [{ ...newcomer, status: "quarantined", connected: true, join: await joinOf(), ...change }];
    await hosts.load();
    const fleet = hosts.fleet.value;
    const [view] = fleet.state === "ready" ? fleet.value : [];
    if (view === undefined) throw new TypeError("no host is shown");
    return view;
  }

  it("shows and admits what the host signed, whatever the row says", async () => {
    const lies = { hostKey: evil.publicKey, cosignKey: evil.publicKey, label: "another", colocated: true };
    const view = await viewOf(lies);
    const words = hostWords({ hostKey: key.publicKey, workspace: world.workspace });
    expect(view).toMatchObject({ admission: "waiting", label: newcomer.label, colocated: false, words });
    expect(requireShown(hosts.join(newcomer.host), view.join)).toEqual(newcomer);
  });

  it("shows a host without its word as waiting, with the reason and without words", async () => {
    far.hosts = [{ ...newcomer, status: "quarantined", connected: true }];
    await hosts.load();
    expect(hosts.fleet.value).toMatchObject({
      value: [{ admission: "waiting", label: newcomer.host, words: [], joinTrouble: { code: "join_missing" } }],
    });
    const view = await viewOf({ join: await joinOf({ cosignKey: evil.publicKey }, evil), label: "trusty" });
    expect(view).toMatchObject({ admission: "waiting", label: newcomer.host, words: [] });
    expect(view.joinTrouble?.code).toBe("join_false");
    expect(view.join).toBeUndefined();
  });

  it("does not believe that a host waits, or was admitted, against the trust log", async () => {
    expect((await viewOf({ status: "admitted" })).admission).toBe("waiting");
    expect(await viewOf({ ...world.hostBody, status: "quarantined", label: "x" })).toMatchObject({
      admission: "admitted",
      label: world.hostBody.label,
    });
    expect(hosts.join(world.host)).toBeUndefined();
  });
});
