/** The key that follows a step-up: which touch names it, from when on it signs, and that none comes back. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { fromBase64url, toBase64url } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { submissionCodec } from "../../protocol/messages.ts";
import { digestOf } from "../../protocol/signing.ts";
import { admittedTo } from "../fixtures/edge/admitted.ts";
import { Town } from "../fixtures/edge/town.ts";
import { signerOf } from "../fixtures/keys.ts";
import type { Fields } from "../fixtures/workspace.ts";
import { edge, fresh, now } from "./client.ts";
import { env } from "./environment.ts";

let town: Town;
beforeAll(async () => {
  town = await Town.at(edge);
});

describe("the key that follows", () => {
  it(
    "signs requests and commands once an accepted touch named it, and no older one comes back",
    { timeout: 20_000 },
    async () => {
      const { peer, tunnel } = await admittedTo(town, "successor");
      const { session } = town.founded;
      const [first, second] = [await signerOf("session"), await signerOf("second session key")];
      const naming = { nextSessionKey: { session, key: second.publicKey } };
      const other = { nextSessionKey: { session: fresh(), key: second.publicKey } };
      // A touch for another session, and one that was refused, change nothing.
      await town.page.must("command", { body: (await town.submission(peer.host, {}, other)).body });
      const refused = await town.submission(
        peer.host,
        { trustHead: { n: 0, hash: fresh(), revoked: fresh() } },
        naming,
      );
      expect((await town.page.call("command", { body: refused.body })).code).toBe("trust_behind");
      town.page.signer = second;
      expect((await town.page.call("me")).code).toBe("unauthenticated");
      town.page.signer = first;
      const named = await town.submission(peer.host, {}, naming);
      await town.page.must("command", { body: named.body });
      expect((await town.page.call("me")).status).toBe(200); // under way when the key changed
      town.page.signer = second;
      expect((await town.page.call("me")).status).toBe(200);
      await evictDurableObject(env.SESSIONS.getByName(town.workspace));
      expect((await town.page.call("me")).status).toBe(200);
      await runInDurableObject(
        env.SESSIONS.getByName(town.workspace),
        (_, state) => void state.storage.sql.exec("UPDATE sign_ins SET previous_until = ?", now() - 1),
      );
      town.page.signer = first;
      expect((await town.page.call("me")).code).toBe("unauthenticated");

      // The approval that named the key rides along, in the prepare and in the command.
      town.page.signer = second;
      const [successor] = submissionCodec.decode(named.bytes).approvals;
      if (successor === undefined) throw new Error("no approval");
      const prepare = encodeCanonical({
        v: 1,
        workspace: town.workspace,
        host: peer.host,
        actor: { session },
        operation: "host.check@1",
        jti: fresh(),
      });
      const signedPrepare = { body: toBase64url(prepare), signature: await second.sign("prepare", prepare) };
      const ask = (body: Fields) => town.page.call("prepare", { params: { host: peer.host }, body });
      expect((await ask({ prepare: signedPrepare })).code).toBe("session_key");
      const asked = ask({ prepare: signedPrepare, successor });
      const frame = await tunnel.next("prepare");
      expect(JSON.parse(new TextDecoder().decode(fromBase64url(frame.successor ?? "")))).toEqual(successor);
      tunnel.say({ kind: "refused", subject: digestOf("prepare", prepare), code: "busy" });
      expect((await asked).code).toBe("busy");
      const back = { nextSessionKey: { session, key: first.publicKey } };
      const third = await town.submissionOf(peer.host, { approval: back, signer: second, envelope: { successor } });
      await town.page.must("command", { body: third.body });
      // Handed in again, the first naming would bring the first key's successor; a key is good once.
      expect((await town.page.call("me")).status).toBe(200);
      town.page.signer = first;
      expect((await town.page.call("me")).code).toBe("unauthenticated");
      town.page.signer = second;
    },
  );

  it("takes no word back about the command that named it, when it cannot be stored", async () => {
    const { peer } = await admittedTo(town, "no room for a key");
    const { session } = town.founded;
    const change = (statement: string) =>
      runInDurableObject(env.SESSIONS.getByName(town.workspace), (_, state) => {
        state.storage.sql.exec(statement);
      });
    const nextSessionKey = { session, key: (await signerOf("unstored session key")).publicKey };
    const { body, digest } = await town.submission(peer.host, {}, { nextSessionKey });
    await change("CREATE TRIGGER full BEFORE INSERT ON session_keys BEGIN SELECT RAISE(ABORT, 'SQLITE_FULL'); END");
    expect((await town.page.call("command", { body })).code).toBe("command_uncertain");
    await change("DROP TRIGGER full");
    const { body: status } = await town.page.call("commandStatus", { params: { intent: digest, host: peer.host } });
    expect(status["state"]).toBe("delivered");
  });
});
