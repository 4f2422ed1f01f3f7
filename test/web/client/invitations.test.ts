import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { InvitationRow } from "../../../protocol/contracts/invitations.ts";
import { commit } from "../../../protocol/ledger.ts";
import { invitationWords } from "../../../protocol/words.ts";
import { Enrolment } from "../../../web/client/enrolment.ts";
import { invitationLink, parseInvitation } from "../../../web/client/invitation-link.ts";
import { Invitations } from "../../../web/client/invitations.ts";
import { TroubleError } from "../../../web/client/trouble.ts";
import { TrustKeeper } from "../../../web/client/trust.ts";
import type { EnrolmentState } from "../../../web/state/invitations.ts";
import { createCredential } from "../../fixtures/authenticator.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { DAILY_RP_ID, makeWorld, NOW, SIGNER_RP_ID, type World } from "../../fixtures/workspace.ts";
import { TrustEdge } from "./trust-edge.ts";

let world: World;
let edge: TrustEdge;
beforeAll(async () => {
  world = await makeWorld();
});
beforeEach(async () => {
  edge = await TrustEdge.open(world);
});

afterEach(() => vi.unstubAllGlobals());

const name = { salt: nonceOf("salt"), value: "Mira" };

async function rowWith(rpId: string): Promise<InvitationRow> {
  const { pinned: credential } = await createCredential({ rpId });
  return { invitation: "i-one", label: "Mira", madeBy: "p-ada", expires: NOW + 100, enrolment: { credential, name } };
}

async function listed(row: InvitationRow): Promise<unknown> {
  edge.invitations = [row];
  const deps = edge.deps();
  const invitations = new Invitations({ ...deps, trust: new TrustKeeper(deps) });
  await invitations.load();
  const list = invitations.list.value;
  return list.state === "ready" ? list.value[0] : list;
}

describe("an invitation as the administrator sees it", () => {
  it("waits, then shows words computed here over passkey and name", async () => {
    const row = await rowWith(SIGNER_RP_ID);
    const { enrolment, ...unused } = row;
    expect(await listed(unused)).toMatchObject({ state: "waiting" });
    const commitment = commit({ field: "name", ...name });
    const { credentialId = "", publicKey = "" } = enrolment?.credential ?? {};
    const words = invitationWords({ credentialId, publicKey, name: commitment, workspace: world.workspace });
    expect(await listed(row)).toMatchObject({
      state: "enrolled",
      enrolled: { name: "Mira", commitment, words, passkeyClass: "signer" },
    });
  });

  it("has other words when the edge changes the passkey or the name", async () => {
    const row = await rowWith(SIGNER_RP_ID);
    const wordsOf = (view: unknown) => (view as { enrolled: { words: readonly string[] } }).enrolled.words.join(" ");
    const honest = wordsOf(await listed(row));
    const { enrolment } = row;
    if (enrolment === undefined) throw new TypeError("not enrolled");
    const other = await createCredential({ rpId: SIGNER_RP_ID });
    expect(wordsOf(await listed({ ...row, enrolment: { ...enrolment, credential: other.pinned } }))).not.toBe(honest);
    const renamed = { ...enrolment, name: { ...name, value: "Eve" } };
    expect(wordsOf(await listed({ ...row, enrolment: renamed }))).not.toBe(honest);
  });

  it("says that a passkey of an edge's page is daily, and that it is over", async () => {
    expect(await listed(await rowWith(DAILY_RP_ID))).toMatchObject({ enrolled: { passkeyClass: "daily" } });
    const row = await rowWith(SIGNER_RP_ID);
    expect(await listed({ ...row, expires: NOW - 1 })).toMatchObject({ state: "over" });
  });

  it("is done when the log says so, not when the edge does", async () => {
    const row = await rowWith(SIGNER_RP_ID);
    expect(await listed({ ...row, person: "p-mira" })).toMatchObject({ state: "enrolled" });
    const credential = world.people.otto.passkey.pinned;
    expect(await listed({ ...row, enrolment: { credential, name } })).toMatchObject({ state: "added" });
  });
});

describe("what an invited person types", () => {
  const { workspace } = { workspace: nonceOf("workspace") };
  const made = { id: "i-one", token: nonceOf("token"), expires: NOW + 100 };

  /** The links of a workspace with these addresses, on a page of a machine that forwards to `forwarded`. */
  async function linksOf(
    origins: readonly { readonly origin: string; readonly class: "signer" | "daily" }[],
    forwarded?: string,
  ) {
    edge.machine = () => Response.json(forwarded === undefined ? {} : { workspace, edge: forwarded });
    edge.answers.set("invite", () => ({ invitation: "i-one", token: made.token, expires: made.expires }));
    const deps = edge.deps();
    const trust = { state: { value: { workspace, origins } }, refresh: () => Promise.reject(new TroubleError(NONE)) };
    const desk = new Invitations({ ...deps, trust: trust as unknown as TrustKeeper });
    expect(await desk.invite("Mira")).toMatchObject({ ok: true });
    return desk.links(made);
  }
  const NONE = { code: "none", what: "Nothing." };
  const usual = { origin: "http://clawhold.localhost:4470", class: "signer" } as const;
  const other = { origin: "http://clawhold.localhost:4490", class: "signer" } as const;

  it("leads to an address that the workspace lists, on its port", async () => {
    vi.stubGlobal("location", new URL("http://clawhold.localhost:4490/people"));
    const { signer, start } = await linksOf([other]);
    expect(new URL(signer).origin).toBe(other.origin);
    expect(start.at(-1)).toContain(" --port 4490 ");
    expect(new URL((await linksOf([other, usual])).signer).origin).toBe(usual.origin);
  });

  it("goes through a tunnel to an edge that runs beside this page", async () => {
    vi.stubGlobal("location", new URL("http://clawhold.localhost:4470/people"));
    const { start } = await linksOf([usual]);
    expect(start).toEqual([
      "ssh -fN -L 4475:127.0.0.1:4470 <the machine of the edge>",
      `clawhold ui --edge http://clawhold.localhost:4475 --edge-name clawhold.localhost:4470 --workspace=${workspace}`,
    ]);
  });

  it("names an edge that has a name, and leaves out one that is behind somebody's tunnel", async () => {
    const named = `clawhold ui --edge https://hold.example.net --workspace=${workspace}`;
    expect((await linksOf([usual], "https://hold.example.net")).start).toEqual([named]);
    expect((await linksOf([usual, { origin: "https://hold.example.net", class: "daily" }])).start).toEqual([named]);
    expect((await linksOf([usual], "http://clawhold.localhost:4475")).start).toEqual([
      `clawhold ui --edge <address of the edge> --workspace=${workspace}`,
    ]);
  });
});

describe("an invitation's link", () => {
  it("carries token and workspace in its fragment, and reads as written", () => {
    const link = { token: nonceOf("token"), workspace: nonceOf("workspace") };
    const url = new URL(invitationLink("http://clawhold.localhost:4470", link));
    expect(url.pathname).toBe("/invitation");
    expect(url.search).toBe("");
    expect(parseInvitation(url.hash.slice(1))).toEqual(link);
  });

  it("is damaged when a part is missing or cut", () => {
    const token = nonceOf("token");
    expect(parseInvitation("")).toBe("damaged");
    expect(parseInvitation(`token=${token}`)).toBe("damaged");
    expect(parseInvitation(`token=${token}&workspace=${token.slice(1)}`)).toBe("damaged");
    expect(parseInvitation(`token=${token}&workspace=${token.slice(1)}!`)).toBe("damaged");
  });
});

describe("the invited person's page", () => {
  const token = nonceOf("token");

  /** What the page shows after its first look. */
  async function shown(workspace = world.workspace): Promise<EnrolmentState> {
    const enrolment = new Enrolment(edge.deps(), { token, workspace }, () => undefined);
    void enrolment.start();
    for (let look = 0; look < 100 && enrolment.state.value.kind === "checking"; look += 1)
      await new Promise((resolve) => setTimeout(resolve, 1));
    return enrolment.state.value;
  }

  function answer(more: object = {}): void {
    edge.answers.set("invitationState", () => ({
      workspace: world.workspace,
      expires: NOW + 100,
      now: NOW,
      added: false,
      ...more,
    }));
  }

  it("asks for a name when nobody enrolled yet", async () => {
    answer();
    expect(await shown()).toEqual({ kind: "name", busy: false, expires: NOW + 100 });
  });

  it("says who can help when its own address is not listed, and goes on by itself", async () => {
    vi.stubGlobal("location", new URL("http://clawhold.localhost:4490/invitation"));
    edge.answers.set("invitationState", () => {
      throw new TroubleError({ code: "origin", what: "Not here." });
    });
    const enrolment = new Enrolment(edge.deps(), { token, workspace: world.workspace }, () => undefined);
    void enrolment.start();
    await vi.waitFor(() =>
      expect(enrolment.state.value).toMatchObject({ kind: "checking", trouble: { code: "origin_unlisted" } }),
    );
    expect(enrolment.state.value).toMatchObject({
      trouble: { why: expect.stringContaining("clawhold.localhost:4490") },
    });
  });

  it("says why a link does not work", async () => {
    for (const [code, problem] of [
      ["invitation_wrong", "wrong"],
      ["invitation_expired", "expired"],
      ["invitation_withdrawn", "withdrawn"],
    ]) {
      edge.answers.set("invitationState", () => {
        throw new TroubleError({ code: code ?? "", what: "no" });
      });
      expect(await shown()).toEqual({ kind: "link", problem });
    }
  });

  it("believes the link's workspace and neither the edge's nor another one of this browser", async () => {
    answer({ workspace: nonceOf("elsewhere") });
    edge.kept.delete("workspace");
    expect(await shown()).toEqual({ kind: "link", problem: "wrong" });
    edge.kept.set("workspace", nonceOf("pinned before"));
    answer();
    expect(await shown()).toEqual({ kind: "link", problem: "other" });
  });

  it("shows no words for a passkey that was not made in this browser", async () => {
    const { enrolment } = await rowWith(SIGNER_RP_ID);
    answer({ enrolment });
    expect(await shown()).toEqual({ kind: "link", problem: "used" });
    answer({ enrolment, added: true });
    expect(await shown()).toEqual({ kind: "link", problem: "used" });
  });
});
