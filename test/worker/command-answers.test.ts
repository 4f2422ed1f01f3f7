/** What a page is answered when it hands in a command, and whose receipts count while it waits. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { hostOf } from "../../durable-objects/env.ts";
import { signedStatementCodec } from "../../protocol/trust/statements.ts";
import { admittedTo } from "../fixtures/edge/admitted.ts";
import { Town } from "../fixtures/edge/town.ts";
import { applied, type Fields } from "../fixtures/workspace.ts";
import { edge, fresh } from "./client.ts";
import { env } from "./environment.ts";

let town: Town;
beforeAll(async () => {
  town = await Town.at(edge);
});

/** Hands in a command for one host and returns its state there. */
async function submitted(body: Fields): Promise<Fields> {
  const { statuses } = await town.page.must("command", { body });
  return (statuses as readonly Fields[])[0] ?? {};
}

const moment = () => new Promise((resolve) => setTimeout(resolve, 5));

describe("a command", () => {
  it("is answered with the receipt of a quick host, and with its refusal", async () => {
    const { peer, tunnel } = await admittedTo(town, "quick");
    const quick = await town.submission(peer.host);
    const asked = submitted(quick.body);
    await tunnel.next("deliver");
    const frame = await peer.receipt(quick.digest);
    tunnel.say(frame);
    expect(await asked).toMatchObject({ state: "receipted", receipt: frame["signed"] });
    const refused = await town.submission(peer.host);
    const askedAgain = submitted(refused.body);
    await tunnel.next("deliver");
    tunnel.say({ kind: "refused", subject: refused.digest, code: "challenge" });
    expect(await askedAgain).toMatchObject({ state: "refused", code: "challenge" });
  });

  it("is answered when its host goes away meanwhile", async () => {
    const { peer, tunnel } = await admittedTo(town, "leaving");
    const { body, digest } = await town.submission(peer.host);
    const asked = submitted(body);
    await tunnel.next("deliver");
    expect((await town.state("host.remove", { host: peer.host })).status).toBe(200);
    expect(await tunnel.closed()).toBe(4003);
    expect(await asked).toMatchObject({ intent: digest, state: "delivered" });
  });

  it("takes no receipt from a removed host, even when its object was never told", async () => {
    const { peer, tunnel } = await admittedTo(town, "untold");
    const removal = await town.statement("host.remove", { host: peer.host });
    const { head } = await applied(await town.trust(), removal);
    const signed = new TextDecoder().decode(signedStatementCodec.encode(removal));
    // Straight into the table, as if this process had died before it could tell anybody.
    await env.DB.prepare("INSERT INTO statements (workspace, n, hash, signed) VALUES (?, ?, ?, ?)")
      .bind(town.workspace, head.n, head.hash, signed)
      .run();
    tunnel.say(await peer.receipt(fresh()));
    tunnel.say({ kind: "trust-want" });
    await tunnel.next("trust");
    expect(tunnel.heard.some(({ kind }) => kind === "ack")).toBe(false);
  });

  it("has an alarm ahead when the one before went off in the middle of it", async () => {
    const { peer, tunnel } = await admittedTo(town, "alarmed");
    const { body } = await town.submission(peer.host);
    const stub = hostOf(env, town.workspace, peer.host);
    const rows = (table: "outbox" | "held") =>
      runInDurableObject(stub, (_, { storage }) => storage.sql.exec(`SELECT 1 FROM ${table}`).toArray().length);
    while ((await rows("outbox")) > 0) await moment();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const blocked = runInDurableObject(env.LEDGER.getByName(town.workspace), (_, state) =>
      state.blockConcurrencyWhile(() => held),
    );
    const asked = submitted(body);
    while ((await rows("held")) === 0) await moment();
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await runInDurableObject(stub, (_, { storage }) => storage.getAlarm())).not.toBeNull();
    release();
    await blocked;
    await tunnel.next("deliver");
    expect(await asked).toMatchObject({ state: "delivered" });
  });
});
