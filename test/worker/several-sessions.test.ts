/** Several sessions of one person, ended with one touch: who may, who hears of it, and how many fit. */
import { beforeAll, describe, expect, it } from "vitest";
import { MAX_BODY_BYTES, MAX_FRAME_BYTES } from "../../protocol/limits.ts";
import type { SignedSessionEnd } from "../../protocol/messages.ts";
import { admittedTo } from "../fixtures/edge/admitted.ts";
import { addMember, signInMember, type Member, type SignedIn } from "../fixtures/edge/people.ts";
import { openSessions, SessionEnds } from "../fixtures/edge/session-ends.ts";
import { Town } from "../fixtures/edge/town.ts";
import { edge, fresh, ledgerBodies, settled } from "./client.ts";
import { watch } from "./watched.ts";

let town: Town;
let vera: Member;
let ends: SessionEnds;
beforeAll(async () => {
  town = await Town.at(edge);
  vera = await addMember(town, "p-vera", ["viewer"]);
  ends = new SessionEnds(town);
});

describe("the end of several sessions", () => {
  const open = async (member: Member, count: number): Promise<readonly SignedIn[]> =>
    Promise.all(Array.from({ length: count }, (_, i) => signInMember(town, member, `${member.id} ${i}`)));

  it("of one person takes one touch: each is recorded and closed, and hosts hear one word", async () => {
    const { peer, tunnel } = await admittedTo(town, "hearing several");
    const mona = await addMember(town, "p-mona", ["viewer"]);
    const all = await open(mona, 3);
    const watched = await Promise.all(all.map(({ page }) => watch(page, peer.host)));
    const end = await ends.ofSeveral(all, town.founded.passkey);
    expect((await town.page.call("sessionEnd", { body: end })).status).toBe(200);
    await settled();
    const said = tunnel.heard.filter((frame) => frame.kind === "session-end" && frame.end.body === end.body);
    expect(said).toEqual([{ kind: "session-end", end }]);
    for (const { closed } of watched) expect(await closed).toBe(4004);
    for (const { page } of all) expect((await page.call("me")).code).toBe("unauthenticated");
    const revoked = (await ledgerBodies(town.workspace)).filter(
      ({ action, target }) => action === "session.revoked" && target === "p-mona",
    );
    expect(revoked.map(({ detail }) => (detail as { session: string }).session).toSorted()).toEqual(
      all.map(({ session }) => session).toSorted(),
    );
    // Whoever was away hears it once as well.
    tunnel.socket.close(1000);
    const back = await peer.open((await town.trust()).head);
    while ((await back.next("session-end")).end.body !== end.body) continue;
    back.say({ kind: "trust-want" });
    await back.next("trust");
    await settled();
    const heard = back.heard.filter((frame) => frame.kind === "session-end" && frame.end.body === end.body);
    expect(heard).toHaveLength(1);
  });

  it("by one's own touch leaves this page signed in, unless it is among them", async () => {
    const nora = await addMember(town, "p-nora", ["viewer"]);
    const [here, ...others] = await open(nora, 4);
    if (here === undefined) throw new TypeError("no session");
    const [one, two, three] = others;
    if (one === undefined || two === undefined || three === undefined) throw new TypeError("no others");
    expect((await here.page.call("sessionEnd", { body: await ends.ofSeveral([one, two], nora.passkey) })).status).toBe(
      200,
    );
    expect((await here.page.call("me")).status).toBe(200);
    expect(await openSessions(here.page)).toHaveLength(2);
    expect(
      (await here.page.call("sessionEnd", { body: await ends.ofSeveral([here, three], nora.passkey) })).status,
    ).toBe(200);
    expect(here.page.cookie).toBeUndefined();
    expect((await three.page.call("me")).code).toBe("unauthenticated");
  });

  it("is refused from somebody who may not, and ends nobody else's among them", async () => {
    const olaf = await addMember(town, "p-olaf", ["viewer"]);
    const all = await open(olaf, 2);
    const one = await signInMember(town, vera, "session vera");
    expect((await one.page.call("sessionEnd", { body: await ends.ofSeveral(all, vera.passkey) })).code).toBe("role");
    const mixed = await ends.ofSeveral([...all, { ...one, id: "p-olaf" }], town.founded.passkey);
    expect((await town.page.call("sessionEnd", { body: mixed })).status).toBe(200);
    for (const { page } of all) expect((await page.call("me")).code).toBe("unauthenticated");
    expect((await one.page.call("me")).status).toBe(200);
    await one.page.must("signOut");
  });

  it("must fit the frame in which hosts hear it", async () => {
    const paul = await addMember(town, "p-paul", ["viewer"]);
    const one = await signInMember(town, paul, "p-paul");
    // Sign-ins that prove nothing are passed over, but they take room.
    const sized = async (characters: number): Promise<SignedSessionEnd> => {
      const assertion = { ...one.certificate.assertion, clientData: "A".repeat(5_460) };
      const certificate = { body: "A".repeat(characters), assertion };
      const padding = Array.from({ length: 12 }, () => ({ ...one, certificate, session: fresh() }));
      return ends.ofSeveral([one, ...padding], town.founded.passkey);
    };
    const empty = JSON.stringify(await sized(4)).length;
    const perSignIn = Math.floor((MAX_FRAME_BYTES - 512 - empty) / 12 / 4) * 4;
    const large = await sized(perSignIn);
    expect(JSON.stringify(large).length).toBeLessThan(MAX_BODY_BYTES);
    expect((await town.page.call("sessionEnd", { body: large })).code).toBe("too_large");
    expect((await one.page.call("me")).status).toBe(200);
    expect((await town.page.call("sessionEnd", { body: await sized(perSignIn - 80) })).status).toBe(200);
    expect((await one.page.call("me")).code).toBe("unauthenticated");
  });
});
