/** Invitations: one enrolment for the holder of a token, nothing for anybody else, and what a statement makes of it. */
import { beforeAll, describe, expect, it } from "vitest";
import { commit } from "../../protocol/ledger.ts";
import { createCredential, registrationJson, type SoftwareCredential } from "../fixtures/authenticator.ts";
import { addMember, signInMember } from "../fixtures/edge/people.ts";
import { Town } from "../fixtures/edge/town.ts";
import { signerOf } from "../fixtures/keys.ts";
import { DAILY_RP_ID, type Fields } from "../fixtures/workspace.ts";
import { edge, fresh, ledgerBodies, now, Page } from "./client.ts";
import { env } from "./environment.ts";

let town: Town;
beforeAll(async () => {
  town = await Town.at(edge);
});

const visitor = async (): Promise<Page> => new Page(await signerOf("visitor"));

async function invited(label = "Grace"): Promise<{ readonly invitation: string; readonly token: string }> {
  const { invitation, token } = await town.page.must("invite", { body: { label } });
  return { invitation: String(invitation), token: String(token) };
}

const nameOf = (value: string) => ({ salt: fresh(), value });

interface Enrolling {
  readonly page: Page;
  readonly passkey: SoftwareCredential;
  readonly response: string;
}

async function answering(token: string, rpId = "clawhold.localhost", page?: Page): Promise<Enrolling> {
  const asking = page ?? (await visitor());
  const { options } = await asking.must("invitationOptions", { body: { token, name: "Grace" } });
  const { challenge, rp } = JSON.parse(String(options)) as { challenge: string; rp: { id: string } };
  expect(rp.id).toBe(rpId);
  const passkey = await createCredential({ rpId });
  return { page: asking, passkey, response: JSON.stringify(registrationJson(passkey, challenge)) };
}

const entries = async (action: string): Promise<readonly Fields[]> =>
  (await ledgerBodies(town.workspace)).filter((entry) => entry["action"] === action);

describe("an invitation", () => {
  it("enrols one passkey, which counts once a statement adds it, with the name beside it", async () => {
    const { invitation, token } = await invited();
    const list = async () => (await town.page.must("invitations"))["invitations"] as readonly Fields[];
    expect(await list()).toMatchObject([{ invitation, label: "Grace", madeBy: "p-ada" }]);
    const { page, passkey, response } = await answering(token);
    const name = nameOf("Grace H");
    expect((await page.must("invitationState", { body: { token } }))["enrolment"]).toBeUndefined();
    const enrolment = await page.must("invitationPasskey", { body: { token, response, name } });
    expect(enrolment).toEqual({ credential: passkey.pinned, name });
    expect(await list()).toMatchObject([{ invitation, enrolment }]);
    expect(await page.must("invitationState", { body: { token } })).toMatchObject({ enrolment, added: false });
    expect(await entries("invitation.made")).toMatchObject([
      { actor: { kind: "person", id: "p-ada" }, detail: { invitation } },
    ]);
    expect(await entries("invitation.enrolled")).toMatchObject([
      { actor: { kind: "unknown" }, detail: { invitation } },
    ]);
    // Nobody's yet: it signs nobody in.
    const early = { id: "p-grace", passkey };
    await expect(signInMember(town, early)).rejects.toThrow(/sign_in_refused/);
    const body = { id: "p-grace", name: commit({ field: "name", ...name }), roles: ["viewer"] };
    expect((await town.state("person.add", { ...body, credentials: [passkey.pinned] })).status).toBe(200);
    expect(await page.must("invitationState", { body: { token } })).toMatchObject({ added: true });
    expect(await list()).toMatchObject([{ person: "p-grace" }]);
    const { names } = await town.page.must("trust");
    expect(names).toContainEqual({ person: "p-grace", opening: name });
    await signInMember(town, early);
    // What became a person cannot be taken back here.
    expect((await town.page.call("uninvite", { body: { invitation } })).code).toBe("invitation_unknown");
  });

  it("keeps no name that the statement did not commit to", async () => {
    const { token } = await invited("Other");
    const { page, passkey, response } = await answering(token);
    await page.must("invitationPasskey", { body: { token, response, name: nameOf("Other") } });
    const body = { id: "p-other", name: fresh(), roles: [], credentials: [passkey.pinned] };
    expect((await town.state("person.add", body)).status).toBe(200);
    const { names } = await town.page.must("trust");
    expect((names as readonly { person: string }[]).map(({ person }) => person)).not.toContain("p-other");
  });

  it("makes a passkey of the page that it was opened on: an edge's page, a daily one", async () => {
    const { token } = await invited("Daily");
    const page = await visitor();
    page.origin = `https://${DAILY_RP_ID}`;
    const { passkey, response } = await answering(token, DAILY_RP_ID, page);
    const elsewhere = await visitor();
    const name = nameOf("Daily");
    // The answer of one page is none of another.
    expect((await elsewhere.call("invitationPasskey", { body: { token, response, name } })).code).toBe(
      "passkey_refused",
    );
    const again = await answering(token, DAILY_RP_ID, page);
    expect(again.passkey).not.toBe(passkey);
    const { credential } = await page.must("invitationPasskey", { body: { token, response: again.response, name } });
    expect(credential).toMatchObject({ rpId: DAILY_RP_ID });
    page.origin = "https://evil.example";
    expect((await page.call("invitationState", { body: { token } })).code).toBe("origin");
  });

  it("is good for one enrolment, also when two race, and for nobody else's challenge", async () => {
    const { token } = await invited("Race");
    const [one, two] = [await answering(token), await answering(token)];
    const name = nameOf("Race");
    const replies = await Promise.all(
      [one, two].map(({ page, response }) => page.call("invitationPasskey", { body: { token, response, name } })),
    );
    expect(replies.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409]);
    expect((await one.page.call("invitationOptions", { body: { token, name: "Race" } })).code).toBe("invitation_used");
    const { results } = await env.DB.prepare(
      "SELECT credential_id FROM passkeys WHERE ceremony LIKE 'invitation:%'",
    ).all<{ credential_id: string }>();
    const raced = [one, two].map(({ passkey }) => passkey.pinned.credentialId);
    expect(results.filter(({ credential_id }) => raced.includes(credential_id))).toHaveLength(1);
    const other = await invited("Other challenge");
    const third = await answering(other.token);
    const fourth = await invited("Not this one");
    const stolen = { token: fourth.token, response: third.response, name };
    expect((await third.page.call("invitationPasskey", { body: stolen })).code).toBe("passkey_refused");
  });

  it("is not enrolled with while the ledger cannot write, and then it is", async () => {
    const { token } = await invited("Full");
    const { page, response } = await answering(token);
    const body = { token, response, name: nameOf("Full") };
    await env.DB.exec("CREATE TRIGGER full BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    expect((await page.call("invitationPasskey", { body })).code).toBe("ledger_unavailable");
    await env.DB.exec("DROP TRIGGER full");
    const again = await answering(token);
    expect((await page.call("invitationPasskey", { body: { ...body, response: again.response } })).status).toBe(200);
  });

  it("is told apart when it was taken back, has ended, or is none", async () => {
    const page = await visitor();
    const taken = await invited("Taken");
    const { passkey, response } = await answering(taken.token);
    await page.must("invitationPasskey", { body: { token: taken.token, response, name: nameOf("Taken") } });
    await town.page.must("uninvite", { body: { invitation: taken.invitation } });
    expect(await entries("invitation.withdrawn")).toMatchObject([{ detail: { invitation: taken.invitation } }]);
    expect((await town.page.call("uninvite", { body: { invitation: taken.invitation } })).code).toBe(
      "invitation_unknown",
    );
    const add = { id: "p-taken", name: fresh(), roles: [], credentials: [passkey.pinned] };
    expect((await town.state("person.add", add)).code).toBe("passkey_unregistered");
    const state = async (token: string) => (await page.call("invitationState", { body: { token } })).code;
    expect(await state(taken.token)).toBe("invitation_withdrawn");
    const late = await invited("Late");
    await env.DB.prepare("UPDATE invitations SET expires = ? WHERE invitation = ?").bind(now(), late.invitation).run();
    expect(await state(late.token)).toBe("invitation_expired");
    expect(await state(fresh())).toBe("invitation_wrong");
  });

  it("is made, seen and taken back by administrators only", async () => {
    const { page } = await signInMember(town, await addMember(town, "p-viewer", ["viewer"]));
    expect((await page.call("invitations")).code).toBe("forbidden");
    expect((await page.call("invite", { body: { label: "x" } })).code).toBe("forbidden");
    const { invitation } = await invited("Theirs");
    expect((await page.call("uninvite", { body: { invitation } })).code).toBe("forbidden");
  });

  it("keeps no token, and is forgotten a day after its end", async () => {
    const { token, invitation } = await invited("Old");
    const { results } = await env.DB.prepare("SELECT * FROM invitations").all();
    expect(JSON.stringify(results)).not.toContain(token);
    await env.DB.prepare("UPDATE invitations SET expires = ? WHERE invitation = ?")
      .bind(now() - 86_401, invitation)
      .run();
    await invited("New");
    const left = await env.DB.prepare("SELECT * FROM invitations WHERE invitation = ?").bind(invitation).all();
    expect(left.results).toEqual([]);
  });
});
