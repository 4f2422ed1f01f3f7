/** What an automation key may ask of the edge, and every way in which somebody else cannot. */
import { beforeAll, describe, expect, it } from "vitest";
import { fromBase64url } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { requestHeaders, type EndpointName } from "../../protocol/contracts.ts";
import { digestOf, type Signer } from "../../protocol/signing.ts";
import { automationSubmission, grantAutomation, type AutomationKey } from "../fixtures/edge/automation.ts";
import { HostPeer, type Tunnel } from "../fixtures/edge/host-peer.ts";
import type { CallInput, Reply } from "../fixtures/edge/page.ts";
import { Town } from "../fixtures/edge/town.ts";
import { signed, signerOf } from "../fixtures/keys.ts";
import type { Fields } from "../fixtures/workspace.ts";
import { edge, fresh, ledgerBodies, now, Page } from "./client.ts";
import { env } from "./environment.ts";

const KEY = "k-pipeline";

let town: Town;
let signer: Signer;
let host: HostPeer;
let tunnel: Tunnel;
beforeAll(async () => {
  town = await Town.at(edge);
  signer = await signerOf("automation");
  host = await HostPeer.at(edge, "pipeline's host", town.workspace);
  await host.join();
  await town.admit(host);
  await grant(KEY, signer, {});
  tunnel = await host.open((await town.trust()).head);
});

const keyOf = (id: string, by: Signer): AutomationKey => ({ town, host: host.host, id, signer: by });
const grant = (id: string, by: Signer, change: Fields): Promise<void> => grantAutomation(keyOf(id, by), change);
const submissionOf = (change: Fields = {}, envelope: Fields = {}, by: Signer = signer) =>
  automationSubmission(keyOf(KEY, by), change, envelope);

/** A pipeline's machine: no cookie, no origin. */
async function call(
  name: EndpointName,
  input: CallInput = {},
  { by = signer, id = KEY }: { readonly by?: Signer; readonly id?: string } = {},
): Promise<Reply> {
  const headers = { [requestHeaders.automationKey]: id, origin: undefined, ...input.headers };
  return new Page(by).call(name, { ...input, headers });
}

async function prepareOf(change: Fields = {}, by: Signer = signer) {
  const body = encodeCanonical({
    v: 1,
    workspace: town.workspace,
    host: host.host,
    actor: { automationKey: KEY },
    operation: "host.check@1",
    jti: fresh(),
    ...change,
  });
  return { prepare: await signed(by, "prepare", body), digest: digestOf("prepare", body) };
}

describe("an automation key", () => {
  it("reads the log, asks for a challenge, commands and asks after its command, all by its signature", async () => {
    const trust = await call("automationTrust");
    expect(trust.body).toMatchObject({ head: (await town.trust()).head, page: { root: expect.any(Object) } });
    const { prepare, digest: asked } = await prepareOf();
    const waiting = call("automationPrepare", { params: { host: host.host }, body: { prepare } });
    expect(await tunnel.answerPrepare()).toBe(asked);
    expect((await waiting).body["prepared"]).toMatchObject({ signature: expect.any(String) });
    expect(tunnel.heard.find(({ kind }) => kind === "prepare")).not.toHaveProperty("session");
    const { body, digest } = await submissionOf();
    const handed = call("automationCommand", { body });
    const { envelope } = await tunnel.next("deliver");
    expect(new TextDecoder().decode(fromBase64url(envelope))).not.toContain('"session":');
    tunnel.say(await host.receipt(digest));
    expect((await handed).body["statuses"]).toMatchObject([{ host: host.host, state: "receipted" }]);
    const params = { intent: digest, host: host.host };
    expect((await call("automationStatus", { params })).body).toMatchObject({ state: "receipted" });
    const accepted = (await ledgerBodies(town.workspace)).find(
      ({ action, detail }) => action === "command.accepted" && (detail as Fields)["intent"] === digest,
    );
    expect(accepted).toMatchObject({ actor: { kind: "automation", id: KEY }, target: host.host });
    expect(accepted?.["detail"]).not.toHaveProperty("session");
  });

  it("and nobody else: every failure looks the same", async () => {
    const stranger = await signerOf("stranger");
    const unknown = await call("automationTrust", {}, { id: "k-nobody" });
    const replies = [
      unknown,
      await call("automationTrust", {}, { by: stranger }),
      await call("automationTrust", {}, { by: await signerOf("session") }),
      await call("automationTrust", { request: { iat: now() - 61 } }),
      await call("automationTrust", { request: { iat: now() + 62 } }),
      await call("automationTrust", { request: { path: "/api/automation/trust?after=1" } }),
      await call("automationTrust", { request: { method: "POST" } }),
      await call("automationTrust", { request: { body: fresh() } }),
      await call("automationTrust", { headers: { [requestHeaders.signature]: undefined } }),
      await call("automationTrust", { headers: { [requestHeaders.automationKey]: undefined } }),
    ];
    for (const { status, body } of replies) {
      expect({ status, title: body["title"], code: body["code"] }).toEqual({
        status: 401,
        title: unknown.body["title"],
        code: "automation_refused",
      });
    }
    const jti = fresh();
    expect((await call("automationTrust", { request: { jti } })).status).toBe(200);
    expect((await call("automationTrust", { request: { jti } })).code).toBe("automation_refused");
    // Neither door takes the other's key.
    expect((await new Page(signer, town.page.cookie).call("me")).code).toBe("unauthenticated");
    expect((await call("hosts")).code).toBe("unauthenticated");
  });

  it("counts no longer than its grant, and not once it is revoked", { timeout: 15_000 }, async () => {
    const ending = await signerOf("ending automation");
    await grant("k-ending", ending, { until: now() + 2 });
    const asking = () => call("automationTrust", {}, { by: ending, id: "k-ending" });
    while ((await asking()).status === 200) await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await asking()).code).toBe("automation_refused");
    const brief = await signerOf("brief automation");
    await grant("k-brief", brief, {});
    expect((await call("automationTrust", {}, { by: brief, id: "k-brief" })).status).toBe(200);
    expect((await town.state("automation-key.revoke", { automationKey: "k-brief" })).status).toBe(200);
    expect((await call("automationTrust", {}, { by: brief, id: "k-brief" })).code).toBe("automation_refused");
  });

  it("is held to its grant, and a refusal is recorded under its name", async () => {
    const refused = async (change: Fields, envelope: Fields = {}, by: Signer = signer) => {
      const { body, digest } = await submissionOf(change, envelope, by);
      return { code: (await call("automationCommand", { body })).code, digest };
    };
    const drill = { operation: "host.drill@1", args: { scenario: "lost-device" } };
    const limited = await refused(drill);
    expect(limited.code).toBe("automation_limit");
    const entry = (await ledgerBodies(town.workspace)).find(
      ({ action, detail }) => action === "command.refused" && (detail as Fields)["intent"] === limited.digest,
    );
    expect(entry).toMatchObject({ actor: { kind: "automation", id: KEY }, detail: { code: "automation_limit" } });
    expect((await refused({}, {}, await signerOf("stranger"))).code).toBe("automation_key");
    expect((await refused({ actor: { automationKey: "k-nobody" } })).code).toBe("automation_key");
    expect((await refused({ workspace: fresh() })).code).toBe("workspace");
    const { head } = await town.trust();
    expect((await refused({ trustHead: { ...head, n: head.n - 1 } })).code).toBe("trust_behind");
    // With a person's sign-in or touch beside it, it is neither.
    expect((await refused({}, { session: await town.certificate() })).code).toBe("approval_extra");
    // It cannot bring a person's command, and a person's page cannot bring its.
    const persons = await town.submission(host.host);
    expect((await call("automationCommand", { body: persons.body })).code).toBe("session_key");
    const { body } = await submissionOf();
    expect((await town.page.call("command", { body })).code).toBe("session_key");
    const asking = async (change: Fields, name = host.host, by: Signer = signer) => {
      const { prepare } = await prepareOf(change, by);
      return (await call("automationPrepare", { params: { host: name }, body: { prepare } })).code;
    };
    expect(await asking({ operation: "host.drill@1" })).toBe("automation_limit");
    expect(await asking({}, "h-other")).toBe("target");
    expect(await asking({ actor: { automationKey: "k-nobody" } })).toBe("automation_key");
    expect(await asking({}, host.host, await signerOf("stranger"))).toBe("automation_key");
    const other = await HostPeer.at(edge, "not granted", town.workspace);
    await other.join();
    await town.admit(other);
    expect(await asking({ host: other.host }, other.host)).toBe("automation_limit");
    const params = { intent: fresh(), host: other.host };
    expect((await call("automationStatus", { params })).code).toBe("automation_limit");
  });

  it("that floods is stopped before any host is asked", async () => {
    const hasty = await signerOf("hasty automation");
    await grant("k-hasty", hasty, { rate: { commands: 1, seconds: 3_600 } });
    const bodies = await submissionOf({ actor: { automationKey: "k-hasty" } }, {}, hasty);
    const codes: (string | undefined)[] = [];
    for (let i = 0; i < 8; i++)
      codes.push((await call("automationCommand", bodies, { by: hasty, id: "k-hasty" })).code);
    expect(codes[0]).toBeUndefined();
    expect(codes.at(-1)).toBe("automation_rate");
  });

  it("leaves the memory of its requests behind when they are too old to count", async () => {
    await env.DB.prepare("UPDATE nonces SET expires = ? WHERE purpose = 'automation-request'").bind(now()).run();
    await call("automationTrust");
    const { results } = await env.DB.prepare("SELECT * FROM nonces WHERE purpose = 'automation-request'").all();
    expect(results).toHaveLength(1);
  });
});
