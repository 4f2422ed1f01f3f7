import { beforeAll, describe, expect, it } from "vitest";
import { createCredential, registrationJson, type SoftwareCredential } from "../fixtures/authenticator.ts";
import { applied, stated } from "../fixtures/workspace.ts";
import { nonceOf } from "../fixtures/keys.ts";
import { utf8Text } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { applyRoot, applyStatement } from "../../protocol/trust/apply.ts";
import type { SignedStatement, TrustPage } from "../../protocol/trust/statements.ts";
import { certificateOf, edge, fresh, ledgerBodies, now, Page } from "./client.ts";
import { env } from "./environment.ts";
import { HostPeer } from "../fixtures/edge/host-peer.ts";
import { Town } from "../fixtures/edge/town.ts";

let town: Town;
beforeAll(async () => {
  town = await Town.at(edge);
});

const lastEntry = async () => (await ledgerBodies(town.workspace)).at(-1);
const personAdd = (id: string) => ({ id, name: nonceOf(id), roles: ["viewer"] });

async function registerPasskey(passkey: SoftwareCredential): Promise<void> {
  const { options } = await town.page.must("passkeyOptions");
  const { challenge } = JSON.parse(String(options)) as { challenge: string };
  await town.page.must("passkey", { body: { response: JSON.stringify(registrationJson(passkey, challenge)) } });
}

describe("the trust log", () => {
  it("is read from the root on, or after a place, and verifies on its own", async () => {
    await town.state("person.add", personAdd("p-one"));
    await town.state("person.add", personAdd("p-two"));
    const { page, head, names } = await town.page.must("trust");
    const { root, statements } = page as TrustPage;
    if (root === undefined) throw new Error("no root");
    const first = await applyRoot(root, { workspace: town.workspace });
    if (!first.ok) throw new Error(first.code);
    let state = first.state;
    for (const statement of statements) state = await applied(state, statement);
    expect(state.head).toEqual(head);
    expect(names).toEqual([{ person: "p-ada", opening: { salt: nonceOf("ada"), value: "Ada" } }]);
    const rest = (await town.page.must("trust", { query: "?after=1" }))["page"] as TrustPage;
    expect(rest).toEqual({ statements: statements.slice(1) });
    for (const query of ["?after=x", "?after=-1", "?after=1&after=2", "?after=01"]) {
      expect((await town.page.call("trust", { query })).code).toBe("malformed_request");
    }
  });

  it("takes a statement after recording it, and names its refusals", async () => {
    expect((await town.state("person.add", personAdd("p-three"))).status).toBe(200);
    expect(await lastEntry()).toMatchObject({
      action: "trust.stated",
      target: "p-three",
      detail: { statementKind: "person.add" },
    });
    expect((await town.state("person.add", personAdd("p-three"))).code).toBe("exists");
    expect(await lastEntry()).toMatchObject({ action: "trust.refused", detail: { code: "exists" } });
    expect((await town.state("role.assign", { person: "p-ada", roles: ["viewer"] })).code).toBe("last_admin");
    const stranger = await createCredential();
    const forged = await stated(
      { state: await town.trust(), by: stranger },
      { kind: "person.add", body: personAdd("p-four") },
    );
    expect((await town.page.call("trustState", { body: forged })).code).toBe("assertion");
  });

  it("gives one place to one of two racing statements", async () => {
    const state = await town.trust();
    const by = town.founded.passkey;
    const race = await Promise.all(
      ["p-left", "p-right"].map((id) =>
        stated(
          { state, by },
          { kind: "person.add", body: personAdd(id) },
          (draft) => void (draft.statement["at"] = now()),
        ),
      ),
    );
    const replies = await Promise.all(race.map((body) => town.page.call("trustState", { body })));
    expect(replies.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409]);
    expect(replies.find(({ status }) => status === 409)?.code).toBe("place");
    expect((await town.trust()).head.n).toBe(state.head.n + 1);
  });

  it("takes nothing that the ledger cannot record", async () => {
    const { head } = await town.trust();
    await env.DB.exec("CREATE TRIGGER full BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    expect((await town.state("person.add", personAdd("p-unrecorded"))).code).toBe("ledger_unavailable");
    await env.DB.exec("DROP TRIGGER full");
    expect((await town.trust()).head).toEqual(head);
  });

  it("adds only a passkey that was registered here, which then signs in; and refuses a replayed registration", async () => {
    const passkey = await createCredential({ rpId: "clawhold.localhost", backupEligible: true });
    const body = { person: "p-ada", ...passkey.pinned };
    expect((await town.state("credential.add", body)).code).toBe("passkey_unregistered");
    await registerPasskey(passkey);
    expect(await lastEntry()).toMatchObject({ action: "passkey.registered", target: "p-ada" });
    expect((await town.state("credential.add", { ...body, backupEligible: false })).code).toBe("passkey_unregistered");
    const visiting = new Page(town.page.signer);
    const early = await certificateOf(passkey, await visiting.must("signInNonce"));
    expect((await visiting.call("signIn", { body: { session: early } })).code).toBe("sign_in_refused");
    expect((await town.state("credential.add", body)).status).toBe(200);
    const session = await certificateOf(passkey, await visiting.must("signInNonce"));
    expect((await visiting.call("signIn", { body: { session } })).status).toBe(200);
    const { options } = await town.page.must("passkeyOptions");
    const { excludeCredentials } = JSON.parse(String(options)) as { excludeCredentials: { id: string }[] };
    expect(excludeCredentials.map(({ id }) => id)).toContain(passkey.pinned.credentialId);
  });

  it("refuses to be changed in the database, and says so when it was all the same", async () => {
    for (const sql of [
      "UPDATE statements SET hash = 'x'",
      "DELETE FROM statements",
      "INSERT OR REPLACE INTO statements SELECT workspace, n, hash, 'x' FROM statements WHERE n = 1",
    ]) {
      await expect(env.DB.prepare(sql).run()).rejects.toThrow(/statements_/);
    }
    const state = await town.trust();
    const forged: SignedStatement = await stated(
      { state, by: await createCredential() },
      { kind: "person.add", body: personAdd("p-smuggled") },
    );
    expect((await applyStatement(state, forged)).ok).toBe(false);
    await env.DB.prepare("INSERT INTO statements VALUES (?, ?, ?, ?)")
      .bind(town.workspace, state.head.n + 1, fresh(), utf8Text(encodeCanonical(forged)))
      .run();
    expect((await town.page.call("me")).code).toBe("trust_damaged");
    await env.DB.exec("DROP TRIGGER statements_delete");
    await env.DB.prepare("DELETE FROM statements WHERE n = ?")
      .bind(state.head.n + 1)
      .run();
    await env.DB.prepare("INSERT INTO statements VALUES (?, ?, 'x', '{ }')")
      .bind(town.workspace, state.head.n + 1)
      .run();
    expect((await town.page.call("me")).code).toBe("trust_damaged");
    await env.DB.prepare("DELETE FROM statements WHERE n = ?")
      .bind(state.head.n + 1)
      .run();
    expect((await town.page.call("me")).status).toBe(200);
    await env.DB.prepare("DELETE FROM statements WHERE n = ?").bind(state.head.n).run();
    // Rolled back beneath the running Worker: what it had verified is not believed any more.
    expect((await town.page.must("trust"))["head"]).toMatchObject({ n: state.head.n - 1 });
  });
});

describe("roles", () => {
  it("are asked at every request", async () => {
    const other = await signInViewer();
    expect((await other.call("hosts")).status).toBe(200);
    const peer = await HostPeer.at(edge, "unseen", town.workspace);
    await peer.join();
    const blind = { id: "blind", permissions: ["channel.manage" as const], hosts: ["all"], sessionSeconds: 14_400 };
    expect((await town.state("role.define", blind)).status).toBe(200);
    expect((await town.state("role.assign", { person: "p-vera", roles: ["blind"] })).status).toBe(200);
    for (const name of ["hosts", "activity"] as const) expect((await other.call(name)).code).toBe("forbidden");
    expect((await other.call("ticket", { body: { host: peer.host } })).code).toBe("forbidden");
    expect((await other.call("me")).status).toBe(200);
    expect((await town.state("role.assign", { person: "p-vera", roles: [] })).status).toBe(200);
    expect((await other.call("me")).code).toBe("unauthenticated");
  });
});

/** A second person, who may look and not touch. */
async function signInViewer(): Promise<Page> {
  const passkey = await createCredential({ rpId: "clawhold.localhost" });
  await registerPasskey(passkey);
  await town.state("person.add", { id: "p-vera", name: nonceOf("vera"), roles: ["viewer"] });
  await town.state("credential.add", { person: "p-vera", ...passkey.pinned });
  const page = new Page(town.page.signer);
  const session = await certificateOf(passkey, await page.must("signInNonce"));
  await page.must("signIn", { body: { session } });
  return page;
}
