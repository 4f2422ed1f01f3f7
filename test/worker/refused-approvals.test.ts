/** What a signed-in person signed for the edge itself and was refused: in the ledger, counted, and bounded by session. */
import { evictDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { alertsOf } from "../../durable-objects/alert-client.ts";
import { REFUSED_ENTRIES_PER_HOUR } from "../../durable-objects/refusal-room.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { toBase64url } from "../../protocol/bytes.ts";
import { EDGE_ACTION_SECONDS } from "../../protocol/limits.ts";
import { createCredential, registrationJson } from "../fixtures/authenticator.ts";
import { approvedBody, type Bends } from "../fixtures/edge/edge-action.ts";
import { addMember, signInMember, type SignedIn } from "../fixtures/edge/people.ts";
import { Town } from "../fixtures/edge/town.ts";
import { signerOf } from "../fixtures/keys.ts";
import { SIGNER_RP_ID, type Fields } from "../fixtures/workspace.ts";
import { edge, fresh, ledgerBodies, now, type Reply } from "./client.ts";
import { env } from "./environment.ts";

const off = { setting: "alertNtfyOff" };

let town: Town;
beforeAll(async () => {
  town = await Town.at(edge);
});

let people = 0;
/** An administrator of their own for each test: the bound is of the session. */
async function somebody(): Promise<SignedIn> {
  people += 1;
  return signInMember(town, await addMember(town, `p-admin-${people}`, ["admin"]));
}

async function change({ page, session, passkey }: SignedIn, bends: Bends = {}): Promise<Reply> {
  const { workspace } = town;
  const of = { workspace, session, passkey };
  return page.call("alertSettingsChange", {
    body: await approvedBody(of, { endpoint: "alertSettingsChange", change: off }, bends),
  });
}

const refusals = async (one: SignedIn): Promise<readonly Fields[]> =>
  (await ledgerBodies(town.workspace)).filter(
    ({ action, detail }) => action === "approval.refused" && (detail as Fields)["session"] === one.session,
  );
const codes = async (one: SignedIn): Promise<readonly unknown[]> =>
  (await refusals(one)).map(({ detail }) => (detail as Fields)["code"]);
const counted = async (one: SignedIn): Promise<number | undefined> => {
  const { rates } = await alertsOf(env, town.workspace).rates(town.workspace);
  return rates.find(({ by, name }) => by === "session" && name === one.session)?.hour;
};

describe("a refused change of the edge", () => {
  it.each<readonly [string, Bends]>([
    ["approval_malformed", { action: { more: 1 } }],
    ["approval_workspace", { action: { workspace: fresh() } }],
    ["approval_session", { action: { session: fresh() } }],
    ["approval_endpoint", { action: { endpoint: "alertTest" } }],
    ["approval_change", { change: { setting: "alertWebhookOff" } }],
    ["approval_kind", { approval: { kind: "statement" } }],
    ["approval_subject", { approval: { subject: fresh() } }],
    ["approval.user_verification", { knobs: { flags: 0x01 } }],
    ["approval_late", { action: { at: now() - EDGE_ACTION_SECONDS - 60 } }],
  ])("is an entry that names the rule: %s", async (code, bends) => {
    const one = await somebody();
    expect((await change(one, bends)).status).toBe(403);
    expect(await refusals(one)).toMatchObject([
      {
        actor: { kind: "person", id: one.id },
        // Where it was brought, whatever it was signed for.
        detail: { code, session: one.session, endpoint: "alertSettingsChange" },
        source: expect.any(String),
      },
    ]);
    expect(await counted(one)).toBe(1);
  });

  it("names a passkey that is nobody's, one that is somebody else's, and an approval that was used", async () => {
    const [one, other] = [await somebody(), await somebody()];
    await change(one, { passkey: await createCredential({ rpId: SIGNER_RP_ID }) });
    await change(one, { passkey: other.passkey });
    const body = await approvedBody(
      { workspace: town.workspace, session: one.session, passkey: one.passkey },
      { endpoint: "alertSettingsChange", change: off },
    );
    expect((await one.page.call("alertSettingsChange", { body })).status).toBe(200);
    expect((await one.page.call("alertSettingsChange", { body })).code).toBe("approval_used");
    expect(await codes(one)).toEqual(["approval.credential", "approval_person", "approval_used"]);
  });

  it.each(["exportStart", "streamChange", "retentionChange"] as const)("is written by %s too", async (endpoint) => {
    const one = await somebody();
    const wanted = {
      exportStart: { format: "csv", purpose: "audit", filter: {} },
      streamChange: {
        setting: "streamAdd",
        label: "far",
        url: "https://far.example/in",
        secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        format: "ocsf",
        filter: {},
        from: 1,
      },
      retentionChange: { setting: "ledgerRetention", days: 365 },
    }[endpoint];
    const of = { workspace: town.workspace, session: one.session, passkey: one.passkey };
    const body = await approvedBody(of, { endpoint, change: wanted }, { action: { session: fresh() } });
    expect((await one.page.call(endpoint, { body })).code).toBe("approval_wrong");
    expect(await refusals(one)).toMatchObject([{ detail: { code: "approval_session", endpoint } }]);
  });

  it("fills the log only so far, and is counted all the same", async () => {
    const one = await somebody();
    const bends = { action: { session: fresh() } };
    for (let i = 0; i < REFUSED_ENTRIES_PER_HOUR; i += 1) await change(one, bends);
    await evictDurableObject(env.SESSIONS.getByName(town.workspace));
    for (let i = 0; i < 3; i += 1) expect((await change(one, bends)).code).toBe("approval_wrong");
    expect(await refusals(one)).toHaveLength(REFUSED_ENTRIES_PER_HOUR);
    expect(await counted(one)).toBe(REFUSED_ENTRIES_PER_HOUR + 3);
    const another = await somebody();
    await change(another, bends);
    expect(await refusals(another)).toHaveLength(1);
  });

  it("stays refused where nothing can be written", async () => {
    const one = await somebody();
    const before = await one.page.must("alertSettings");
    await env.DB.exec("CREATE TRIGGER full BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    const reply = await change(one, { action: { session: fresh() } });
    await env.DB.exec("DROP TRIGGER full");
    expect(reply.code).toBe("ledger_unavailable");
    expect(await one.page.must("alertSettings")).toEqual(before);
  });
});

describe("a refused end of a sign-in", () => {
  it("is an entry, and counted", async () => {
    const one = await somebody();
    const body = encodeCanonical({ v: 1, workspace: town.workspace, session: one.session, person: one.id, at: now() });
    const signature = await (await signerOf("stranger")).sign("session-end", body);
    const end = { body: toBase64url(body), session: one.certificate, by: { kind: "session", signature } };
    expect((await one.page.call("sessionEnd", { body: end })).code).toBe("session_key");
    expect(await refusals(one)).toMatchObject([{ detail: { code: "session_key", endpoint: "sessionEnd" } }]);
    expect(await counted(one)).toBe(1);
  });

  it("names whom it was about once that is proven", async () => {
    const [one, other] = [await somebody(), await somebody()];
    const body = encodeCanonical({ v: 1, workspace: town.workspace, session: one.session, person: one.id, at: now() });
    const signature = await one.page.signer.sign("session-end", body);
    const end = { body: toBase64url(body), session: one.certificate, by: { kind: "session", signature } };
    expect((await other.page.call("sessionEnd", { body: end })).code).toBe("people");
    expect(await refusals(other)).toMatchObject([{ target: one.id, detail: { code: "people" } }]);
  });
});

describe("a refused passkey", () => {
  it("is an entry, and counted", async () => {
    const one = await somebody();
    const passkey = await createCredential({ rpId: "clawhold.localhost" });
    const response = JSON.stringify(registrationJson(passkey, fresh()));
    expect((await one.page.call("passkey", { body: { response } })).code).toBe("passkey_refused");
    expect(await refusals(one)).toMatchObject([
      { target: one.id, detail: { code: "passkey_refused", endpoint: "passkey" } },
    ]);
    expect(await counted(one)).toBe(1);
  });
});
