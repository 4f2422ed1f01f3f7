/**
 * Log before act: while the ledger cannot be written, nothing happens. Every endpoint that takes a POST stands in the table,
 * with what it would have changed, or with the reason why it changes nothing that the log should know.
 */
import { runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { alertsOf } from "../../durable-objects/alert-client.ts";
import { requestHeaders, type endpoints, type EndpointName } from "../../protocol/contracts.ts";
import { createCredential, registrationJson } from "../fixtures/authenticator.ts";
import { approvedBody } from "../fixtures/edge/edge-action.ts";
import { automationSubmission, grantAutomation, type AutomationKey } from "../fixtures/edge/automation.ts";
import { HostPeer, joinTokenOf } from "../fixtures/edge/host-peer.ts";
import { approvalOf, signInMember, type SignedIn } from "../fixtures/edge/people.ts";
import { proposalFor, proposedBy, type Proposed } from "../fixtures/edge/proposed.ts";
import { SessionEnds } from "../fixtures/edge/session-ends.ts";
import { Town } from "../fixtures/edge/town.ts";
import { nonceOf, signerOf } from "../fixtures/keys.ts";
import type { Fields } from "../fixtures/workspace.ts";
import {
  Page,
  admin,
  certificateOf,
  edge,
  foundingOf,
  fresh,
  now,
  offerSetup,
  refusal,
  registerFirst,
} from "./client.ts";
import type { Reply } from "./client.ts";
import { env } from "./environment.ts";
import { everythingOf } from "./everything.ts";
import { addYesterday, HOUR } from "./old-town.ts";

/** Made while the ledger works; then tried while it does not, and made and tried again when it does. */
type Attempt = () => Promise<() => Promise<Reply>>;
type PostName = { [N in EndpointName]: (typeof endpoints)[N]["method"] extends "POST" ? N : never }[EndpointName];

const DAY = 86_400;
const ASIDE = "INSERT INTO stream_asides (stream, first, last, fault, at) VALUES (?, 1, 1, 'status', 1)";
const KEY = "k-log";

let town: Town;
let otto: SignedIn;
let host: HostPeer;
let foundingWithoutLedger: { readonly reply: Reply; readonly workspaces: unknown };

async function breakLedger(): Promise<void> {
  await env.DB.exec("CREATE TRIGGER full BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'disk full'); END");
}
async function mendLedger(): Promise<void> {
  await env.DB.exec("DROP TRIGGER full");
}

beforeAll(async () => {
  // Far ends that nobody hears of: what is sent to them is no part of this.
  vi.spyOn(globalThis, "fetch").mockImplementation(() => Promise.resolve(new Response(undefined, { status: 503 })));
  const setup = await signerOf("setup");
  await offerSetup(setup);
  const founding = await foundingOf(setup, await registerFirst(setup), (draft) => {
    draft.root["at"] = now() - 30 * HOUR;
  });
  await breakLedger();
  const reply = await founding.page.call("setupRoot", { body: founding.body });
  foundingWithoutLedger = { reply, workspaces: (await env.DB.prepare("SELECT * FROM workspaces").all()).results };
  await mendLedger();
  const me = await founding.page.must("setupRoot", { body: founding.body });
  founding.page.signer = await signerOf("session");
  town = Town.of({ ...founding, session: String(me["session"]) });
  otto = await signInMember(town, await addYesterday(town, "p-otto", ["admin"]), "session otto");
  host = await HostPeer.at(edge, "recorded", town.workspace);
  await host.join();
  await town.admit(host);
  await grantAutomation(await pipeline(), { rate: { commands: 50, seconds: 60 } });
}, 60_000);

const pipeline = async (): Promise<AutomationKey> => ({
  town,
  host: host.host,
  id: KEY,
  signer: await signerOf("automation"),
});
const snapshot = (): Promise<unknown> => everythingOf(town.workspace, host.host);

// ---- attempts ----

const pageCall =
  (name: EndpointName, input: () => Promise<Parameters<Page["call"]>[1]>): Attempt =>
  async () => {
    const made = await input();
    return () => town.page.call(name, made);
  };

const change = (endpoint: EndpointName, what: () => Promise<Fields>): Attempt =>
  pageCall(endpoint, async () => ({ body: await approvedBody(town.founded, { endpoint, change: await what() }) }));

async function invited(): Promise<{ readonly invitation: string; readonly token: string }> {
  const { invitation, token } = await town.page.must("invite", { body: { label: "Grace" } });
  return { invitation: String(invitation), token: String(token) };
}

async function raised(): Promise<{ readonly params: { readonly alert: string } }> {
  const { workspace } = town;
  const alert = await alertsOf(env, workspace).raise(workspace, { kind: "host.reset", subject: fresh() });
  // Its own entry is owed, and written when the alert is first worked on.
  await runInDurableObject(env.ALERTS.getByName(workspace), (alerts) => alerts.alarm());
  return { params: { alert } };
}

async function signedInAgain(): Promise<Page> {
  const page = new Page(await signerOf("session"));
  const session = await certificateOf(town.founded.passkey, await page.must("signInNonce"));
  await page.must("signIn", { body: { session } });
  return page;
}

const proposed = (): Promise<Proposed> =>
  proposedBy(town, town.founded.passkey, { bytes: proposalFor(town, host.host) });

async function open(): Promise<string> {
  const { digest, body } = await proposed();
  await town.page.must("propose", { body });
  return digest;
}

async function streamed(): Promise<string> {
  const what = {
    setting: "streamAdd",
    label: "SIEM",
    url: "https://siem.example/in",
    secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    format: "jsonl",
    filter: {},
    from: 0,
  };
  const before = new Set(streamNames(await town.page.must("streams")));
  const body = await approvedBody(town.founded, { endpoint: "streamChange", change: what });
  return streamNames(await town.page.must("streamChange", { body })).find((name) => !before.has(name)) ?? "";
}
const streamNames = ({ streams }: Fields): readonly string[] =>
  (streams as readonly Fields[]).map(({ stream }) => String(stream));

const attempts: Record<Exclude<PostName, "setupRoot">, Attempt | { readonly nothing: string }> = {
  setupOptions: { nothing: "there is no workspace yet, so no log" },
  setupPasskey: { nothing: "there is no workspace yet, so no log" },
  signInNonce: { nothing: "a one-time value for whoever asks" },
  signIn: async () => {
    const page = new Page(await signerOf("session"));
    const session = await certificateOf(town.founded.passkey, await page.must("signInNonce"));
    return () => page.call("signIn", { body: { session } });
  },
  signOut: async () => {
    const page = await signedInAgain();
    return () => page.call("signOut");
  },
  sessionEnd: async () => {
    const ended = await signInMember(town, otto, fresh());
    const end = await new SessionEnds(town).byKey(ended);
    return () => ended.page.call("sessionEnd", { body: end });
  },
  trustState: async () => {
    const statement = await town.statement("person.add", {
      id: `p-${fresh()
        .toLowerCase()
        .replaceAll(/[^a-z0-9]/g, "")
        .slice(0, 12)}`,
      name: nonceOf("name"),
      roles: ["viewer"],
      credentials: [(await registered()).pinned],
    });
    return () => town.page.call("trustState", { body: statement });
  },
  passkeyOptions: { nothing: "a one-time value for the page" },
  passkey: pageCall("passkey", async () => {
    const { options } = await town.page.must("passkeyOptions");
    const { challenge } = JSON.parse(String(options)) as { challenge: string };
    const made = await createCredential({ rpId: "clawhold.localhost" });
    return { body: { response: JSON.stringify(registrationJson(made, challenge)) } };
  }),
  prepare: { nothing: "a question; the host answers it and nothing is done" },
  hostRead: { nothing: "a question; content needs a grant, and a grant is a command with its entry" },
  ticket: { nothing: "a one-time value for the page" },
  command: pageCall("command", async () => ({ body: (await town.submission(host.host)).body })),
  erase: change("erase", async () => {
    const index = await newestWithAddress();
    return { field: "source", index };
  }),
  retentionChange: change("retentionChange", () => Promise.resolve({ setting: "ledgerRetention", days: 400 })),
  hostInvite: { nothing: "an edge on a machine of its owner's makes none; tried before one that is deployed" },
  networksChange: change("networksChange", () =>
    Promise.resolve({ setting: "networkAdd", list: "deny", network: "192.0.2.1" }),
  ),
  exportStart: change("exportStart", () => Promise.resolve({ format: "csv", purpose: "audit", filter: {} })),
  exportTicket: { nothing: "the export is in the log before there is a ticket to it" },
  exportDownload: { nothing: "the export is in the log before there is a ticket to it" },
  streamChange: change("streamChange", async () => ({ setting: "streamPause", stream: await streamed() })),
  streamTest: { nothing: "one fixed sentence to a far end that was set, and nothing is kept" },
  streamReplay: pageCall("streamReplay", async () => {
    const stream = await streamed();
    await runInDurableObject(env.STREAMS.getByName(town.workspace), (_, { storage }) => {
      storage.sql.exec(ASIDE, stream);
    });
    return { params: { stream } };
  }),
  alertAcknowledge: pageCall("alertAcknowledge", raised),
  alertResolve: pageCall("alertResolve", raised),
  alertSettingsChange: change("alertSettingsChange", () =>
    Promise.resolve({ setting: "alertNtfy", url: "https://ntfy.example/clawhold-topic", token: "tk_secret" }),
  ),
  alertTest: { nothing: "one fixed sentence to a far end that was set, and nothing is kept" },
  automationPrepare: { nothing: "a question; the host answers it and nothing is done" },
  automationCommand: async () => {
    const key = await pipeline();
    const { body } = await automationSubmission(key);
    const headers = { [requestHeaders.automationKey]: KEY, origin: undefined };
    return () => new Page(key.signer).call("automationCommand", { body, headers });
  },
  invite: pageCall("invite", () => Promise.resolve({ body: { label: "Grace" } })),
  uninvite: pageCall("uninvite", async () => ({ body: { invitation: (await invited()).invitation } })),
  invitationState: { nothing: "it only looks" },
  invitationOptions: { nothing: "a one-time value for the page" },
  invitationPasskey: async () => {
    const { token } = await invited();
    const page = new Page(await signerOf("visitor"));
    const { options } = await page.must("invitationOptions", { body: { token, name: "Grace" } });
    const { challenge } = JSON.parse(String(options)) as { challenge: string };
    const made = await createCredential({ rpId: "clawhold.localhost" });
    const response = JSON.stringify(registrationJson(made, challenge));
    return () => page.call("invitationPasskey", { body: { token, response, name: { salt: fresh(), value: "Grace" } } });
  },
  propose: pageCall("propose", async () => ({ body: (await proposed()).body })),
  joinProposal: async () => {
    const digest = await open();
    const approval = await approvalOf(town, otto.passkey, { kind: "proposal", subject: digest });
    return () => otto.page.call("joinProposal", { params: { digest }, body: { approval } });
  },
  withdrawProposal: pageCall("withdrawProposal", async () => ({ params: { digest: await open() } })),
};

async function registered() {
  const passkey = await createCredential({ rpId: "clawhold.localhost" });
  const { options } = await town.page.must("passkeyOptions");
  const { challenge } = JSON.parse(String(options)) as { challenge: string };
  await town.page.must("passkey", { body: { response: JSON.stringify(registrationJson(passkey, challenge)) } });
  return passkey;
}

async function newestWithAddress(): Promise<number> {
  await signedInAgain();
  const row = await env.DB.prepare("SELECT MAX(idx) AS idx FROM ledger_values WHERE workspace = ? AND field = 'source'")
    .bind(town.workspace)
    .first<{ readonly idx: number }>();
  return row?.idx ?? 0;
}

/** Doors without a table: those of hosts and of the supervising process, and reading what somebody signed. */
const others: Record<string, Attempt> = {
  "evidence is read": async () => {
    const { body, digest } = await town.submission(host.host);
    await town.page.must("command", { body });
    return () => town.page.call("commandEvidence", { params: { intent: digest, host: host.host } });
  },
  "a join token is made": () => Promise.resolve(() => admin("/admin/join-token", {})),
  "a certificate is taken away": async () => {
    const peer = await HostPeer.at(edge, fresh(), town.workspace);
    await peer.join();
    return () => admin("/admin/revoke-certificate", { fingerprint: peer.fingerprint });
  },
};

const acting = Object.entries(attempts).filter((entry): entry is [PostName, Attempt] => typeof entry[1] === "function");

describe("while the ledger cannot be written", () => {
  it("no workspace is made", () => {
    expect(foundingWithoutLedger.reply.code).toBe("ledger_unavailable");
    expect(foundingWithoutLedger.workspaces).toEqual([]);
  });

  it.each([...acting, ...Object.entries(others)])("nothing happens: %s", async (_, make) => {
    const attempt = await make();
    await breakLedger();
    const before = await snapshot();
    const { code } = await attempt();
    const after = await snapshot();
    await mendLedger();
    expect(code).toBe("ledger_unavailable");
    expect(after).toEqual(before);
    // The same, made anew, is only a matter of the ledger.
    const { status, body } = await (await make())();
    expect([status, body["code"]]).toEqual([200, undefined]);
    expect(await snapshot()).not.toEqual(before);
  });

  it("a host that asks to join is not let in, and its token stays good", async () => {
    const peer = await HostPeer.at(edge, "joins later", town.workspace);
    const token = await joinTokenOf(edge);
    await breakLedger();
    const before = await snapshot();
    expect((await peer.join({ token }))?.code).toBe("ledger_unavailable");
    expect(await snapshot()).toEqual(before);
    await mendLedger();
    expect(await peer.join({ token })).toBeUndefined();
  });

  it("a host that was removed keeps a certificate that opens nothing", async () => {
    const peer = await HostPeer.at(edge, "removed", town.workspace);
    await peer.join();
    await town.admit(peer);
    await env.DB.exec(
      "CREATE TRIGGER full BEFORE INSERT ON ledger WHEN NEW.body LIKE '%certificate.revoked%' BEGIN SELECT RAISE(ABORT, 'disk full'); END",
    );
    expect((await town.state("host.remove", { host: peer.host })).code).toBe("ledger_unavailable");
    await mendLedger();
    const row = await env.DB.prepare("SELECT revoked_at FROM certificates WHERE host = ?").bind(peer.host).first();
    expect(row).toEqual({ revoked_at: null });
    // The statement is in the log and in force.
    expect((await town.trust()).removedHosts.has(peer.host)).toBe(true);
    expect(await refusal(peer, {})).toBe("host_removed");
  });

  it("a session that is over by itself ends when its end can be recorded", async () => {
    const page = await signedInAgain();
    const { session } = (await page.must("me")) as { readonly session: string };
    const stub = env.SESSIONS.getByName(town.workspace);
    const isHeld = () =>
      runInDurableObject(
        stub,
        (_, { storage }) =>
          storage.sql.exec("SELECT session FROM sign_ins WHERE session = ?", session).toArray().length === 1,
      );
    await runInDurableObject(stub, (_, { storage }) => {
      storage.sql.exec("UPDATE sign_ins SET expires = ? WHERE session = ?", now() - DAY, session);
    });
    await breakLedger();
    await runInDurableObject(stub, (sessions) => sessions.alarm());
    expect(await isHeld()).toBe(true);
    expect((await page.call("me")).code).toBe("unauthenticated"); // over is over, recorded or not
    await mendLedger();
    await runInDurableObject(stub, (sessions) => sessions.alarm());
    expect(await isHeld()).toBe(false);
  });
});
