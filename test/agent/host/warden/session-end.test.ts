/** Sessions ended early: on disk, at the challenges, and between verification and act. */
import { appendFileSync, fdatasyncSync, ftruncateSync, readFileSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { MAX_ENDS_PER_PERSON, SessionEnds } from "../../../../agent/host/warden/session-ends.ts";
import { AppendError, type AppendIo } from "../../../../agent/host/warden/append-file.ts";
import { toBase64url } from "../../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../../protocol/canonical.ts";
import { SESSION_SKEW_SECONDS } from "../../../../protocol/limits.ts";
import type { Asserted, SignedSessionEnd } from "../../../../protocol/messages.ts";
import { digestOf } from "../../../../protocol/signing.ts";
import { nonceOf } from "../../../fixtures/keys.ts";
import { asserted, NOW, type Fields, type Name } from "../../../fixtures/workspace.ts";
import { Rig, until, type RigOptions } from "./rig.ts";

const rigs: Rig[] = [];
async function rig(options: RigOptions = {}): Promise<Rig> {
  const made = await Rig.open(options);
  rigs.push(made);
  await made.welcome();
  return made;
}
afterEach(async () => {
  for (const made of rigs.splice(0)) {
    expect(made.faults).toEqual([]);
    await made.close();
  }
});
async function again(host: Rig): Promise<Rig> {
  const next = await host.reopen();
  rigs.splice(rigs.indexOf(host), 1, next);
  await next.welcome();
  return next;
}

interface Ending {
  readonly session: string;
  readonly certificate: Asserted;
}

/** The session that all commands of a rig come from. */
async function sessionOf(host: Rig): Promise<Ending> {
  const { session, submission } = await host.seal();
  return { session, certificate: submission.session };
}

async function ending(host: Rig, change: Fields = {}, by?: Name): Promise<SignedSessionEnd> {
  const { session, certificate } = await sessionOf(host);
  const { workspace, keys, people } = host.world;
  const body = encodeCanonical({ v: 1, workspace, session, person: "p-ada", at: NOW, ...change });
  if (by === undefined) {
    const signature = await keys.session.sign("session-end", body);
    return { body: toBase64url(body), session: certificate, by: { kind: "session", signature } };
  }
  const subject = digestOf("session-end", body);
  const approval = encodeCanonical({ v: 1, workspace, kind: "session-end", subject, decision: "approve", at: NOW });
  const touched = await asserted(people[by].passkey, "approval", { body: approval });
  return { body: toBase64url(body), session: certificate, by: { kind: "person", approval: touched } };
}

describe("a session that was ended", () => {
  it("gets no challenge any more, and those it has die", async () => {
    const host = await rig();
    const command = await host.command();
    await host.receive({ kind: "session-end", end: await ending(host) });
    await host.deliver(command.bytes);
    expect(host.last("refused")).toMatchObject({ subject: command.digest, code: "challenge" });
    expect(host.gateway.restarts).toBe(0);
    expect(await host.prepare()).toMatchObject({ kind: "refused", code: "session_revoked" });
    expect(host.logged).toContainEqual({ event: "session_ended", session: command.session });
  });

  it("stays ended over a restart", async () => {
    const host = await rig();
    await host.receive({ kind: "session-end", end: await ending(host) });
    const next = await again(host);
    expect(await next.prepare()).toMatchObject({ kind: "refused", code: "session_revoked" });
  });

  it("is refused when its end comes between verification and act", async () => {
    const host = await rig();
    const command = await host.command();
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
    const { promise: answer, resolve: reply } = Promise.withResolvers<string>();
    host.gateway.bootId = () => {
      ask();
      return answer;
    };
    await host.receive({ kind: "deliver", number: 1, envelope: toBase64url(command.bytes) });
    await asked;
    await host.receive({ kind: "session-end", end: await ending(host) });
    reply("boot-0001");
    await until(() => host.receipts().length === 1);
    expect(host.lastReceipt()).toMatchObject({ verdict: "refused", code: "session_revoked" });
    expect(host.gateway.restarts).toBe(0);
  });

  it("is refused although a challenge was minted for it in the same moment", async () => {
    const host = await rig();
    const command = await host.command();
    // As when the end comes while the request for the challenge is still being verified.
    host.context.sessionEnds.add({ session: command.session, person: "p-ada", until: NOW + 3_600 });
    await host.deliver(command.bytes);
    expect(host.last("refused")).toMatchObject({ subject: command.digest, code: "session_revoked" });
    expect(host.gateway.restarts).toBe(0);
  });

  it("was ended by an administrator's touch as well", async () => {
    const host = await rig();
    await host.receive({ kind: "session-end", end: await ending(host, {}, "ada") });
    expect(await host.prepare()).toMatchObject({ code: "session_revoked" });
  });

  it("was one of several that one touch ended, while another is still open", async () => {
    const host = await rig();
    const { session, certificate } = await sessionOf(host);
    const { workspace, people } = host.world;
    const signedIn = JSON.parse(Buffer.from(certificate.body, "base64url").toString()) as Fields;
    const another = async (name: string) => {
      const body = encodeCanonical({ ...signedIn, nonce: nonceOf(name) });
      return {
        session: digestOf("session", body),
        certificate: await asserted(people.ada.passkey, "session", { body }),
      };
    };
    const [elsewhere, open] = [await another("elsewhere"), await another("open")];
    const [first, second] = [{ session, certificate }, elsewhere].toSorted((a, b) => (a.session < b.session ? -1 : 1));
    if (first === undefined || second === undefined) throw new TypeError("not two");
    const sessions = [first.session, second.session];
    const body = encodeCanonical({ v: 1, workspace, sessions, person: "p-ada", at: NOW });
    const subject = digestOf("session-end", body);
    const ask = encodeCanonical({ v: 1, workspace, kind: "session-end", subject, decision: "approve", at: NOW });
    const approval = await asserted(people.ada.passkey, "approval", { body: ask });
    const end: SignedSessionEnd = {
      body: toBase64url(body),
      session: first.certificate,
      others: [second.certificate],
      by: { kind: "person", approval },
    };
    await host.receive({ kind: "session-end", end });
    expect(await host.prepare()).toMatchObject({ code: "session_revoked" });
    const next = await again(host);
    expect(next.context.sessionEnds.has(elsewhere.session, "p-ada")).toBe(true);
    expect(next.context.sessionEnds.has(open.session, "p-ada")).toBe(false);
    expect(await next.prepare()).toMatchObject({ code: "session_revoked" });
  });

  it.each([
    { of: "somebody without the role", code: "role", change: {}, by: "vera" },
    { of: "another workspace", code: "workspace", change: { workspace: nonceOf("other") } },
    { of: "a session that is somebody else's", code: "people", change: { person: "p-otto" } },
    { of: "another session", code: "session_key", change: { session: nonceOf("other") } },
  ] as const)("goes on after the word of $of", async ({ code, change, ...rest }) => {
    const by = "by" in rest ? rest.by : undefined;
    const host = await rig();
    await host.receive({ kind: "session-end", end: await ending(host, change, by) });
    expect(host.logged).toContainEqual(expect.objectContaining({ event: "session_end_refused", code }));
    expect((await host.prepare()).kind).toBe("prepared");
  });

  it("is only taken from an edge that has proven itself", async () => {
    const host = await Rig.open();
    rigs.push(host);
    await host.challenge();
    await host.receive({ kind: "trust", page: host.page() });
    await expect(host.receive({ kind: "session-end", end: await ending(host) })).rejects.toMatchObject({
      code: "out_of_order",
    });
  });

  it("is ended at once when the disk is full, and written when it is said again", async () => {
    const io = { fail: false };
    const failing: AppendIo = {
      write: (fd, bytes, position) => {
        if (io.fail) throw Object.assign(new Error("no space"), { code: "ENOSPC" });
        return writeSync(fd, bytes, 0, bytes.length, position);
      },
      sync: fdatasyncSync,
      truncate: ftruncateSync,
    };
    const host = await rig({ sessionEndsIo: failing });
    io.fail = true;
    const end = await ending(host);
    await host.receive({ kind: "session-end", end });
    expect(host.logged).toContainEqual(expect.objectContaining({ event: "session_end_write_failed" }));
    expect(await host.prepare()).toMatchObject({ code: "session_revoked" });
    io.fail = false;
    await host.receive({ kind: "session-end", end });
    const next = await again(host);
    expect(await next.prepare()).toMatchObject({ code: "session_revoked" });
  });
});

describe("the list on disk", () => {
  let now = NOW;
  const open = (host: Rig): SessionEnds =>
    SessionEnds.open({ path: join(host.directory, "ends.jsonl"), now: () => now });
  const end = (name: string, change: { person?: string; until?: number } = {}) => ({
    session: nonceOf(name),
    person: "p-ada",
    until: NOW + 600,
    ...change,
  });

  it("drops what is over, and not a second earlier", async () => {
    const host = await rig();
    const ends = open(host);
    expect(ends.add(end("one"))).toBe(true);
    expect(ends.add(end("one"))).toBe(false);
    ends.close();
    now = NOW + 600 + SESSION_SKEW_SECONDS;
    const before = open(host);
    before.add(end("two", { until: now + 600 }));
    expect(before.has(nonceOf("one"), "p-ada")).toBe(true);
    before.close();
    now += 1;
    const after = open(host);
    after.add(end("three", { until: now + 600 }));
    expect(after.has(nonceOf("one"), "p-ada")).toBe(false);
    expect(after.has(nonceOf("two"), "p-ada")).toBe(true);
    after.close();
    now = NOW;
  });

  it(`remembers ${String(MAX_ENDS_PER_PERSON)} of one person, and never forgets another's for them`, async () => {
    const host = await rig();
    const ends = open(host);
    ends.add(end("otto's", { person: "p-otto", until: NOW + 1 }));
    for (let i = 0; i < MAX_ENDS_PER_PERSON; i += 1) ends.add(end(`ada ${String(i)}`, { until: NOW + 600 + i }));
    expect(ends.has(nonceOf("ada 0"), "p-ada")).toBe(true);
    ends.add(end("one more", { until: NOW + 9_000 }));
    expect(ends.has(nonceOf("ada 0"), "p-ada")).toBe(false);
    expect(ends.has(nonceOf("ada 1"), "p-ada")).toBe(true);
    expect(ends.has(nonceOf("one more"), "p-ada")).toBe(true);
    expect(ends.has(nonceOf("otto's"), "p-otto")).toBe(true);
    ends.close();
  });

  it("is of one person: somebody else's word about the same bytes neither ends it nor takes its place", async () => {
    const host = await rig();
    const ends = open(host);
    expect(ends.add(end("one", { person: "p-mallory", until: NOW + 1 }))).toBe(true);
    expect(ends.has(nonceOf("one"), "p-ada")).toBe(false);
    expect(ends.add(end("one"))).toBe(true);
    // As many as push the first of hers out.
    for (let i = 0; i < MAX_ENDS_PER_PERSON; i += 1)
      ends.add(end(`mallory ${String(i)}`, { person: "p-mallory", until: NOW + 600 + i }));
    expect(ends.has(nonceOf("one"), "p-mallory")).toBe(false);
    expect(ends.has(nonceOf("one"), "p-ada")).toBe(true);
    ends.close();
    const next = open(host);
    expect(next.has(nonceOf("one"), "p-ada")).toBe(true);
    next.close();
  });

  it("is written anew before it fills the disk", async () => {
    const host = await rig();
    const path = join(host.directory, "ends.jsonl");
    const fast: AppendIo = {
      write: (fd, bytes, position) => writeSync(fd, bytes, 0, bytes.length, position),
      sync: () => undefined,
      truncate: ftruncateSync,
    };
    const ends = SessionEnds.open({ path, now: () => NOW, io: fast });
    let largest = 0;
    for (let i = 0; i < 2_500; i += 1) {
      ends.add(end(`many ${String(i)}`, { until: NOW + 600 + i }));
      largest = Math.max(largest, statSync(path).size);
    }
    const line = readFileSync(path, "utf8").split("\n")[0]?.length ?? 0;
    expect(largest).toBeLessThan((1_024 + MAX_ENDS_PER_PERSON + 2) * (line + 1));
    ends.close();
    const next = open(host);
    expect(next.has(nonceOf("many 2499"), "p-ada")).toBe(true);
    next.close();
  });

  it("refuses to start when it is damaged, and drops a torn last line", async () => {
    const host = await rig();
    const path = join(host.directory, "ends.jsonl");
    const ends = open(host);
    ends.add(end("one"));
    ends.close();
    appendFileSync(path, '{"person":"p-a');
    const torn = open(host);
    expect(torn.has(nonceOf("one"), "p-ada")).toBe(true);
    torn.close();
    appendFileSync(path, '{"person":"p-ada"}\n');
    expect(() => open(host)).toThrow(expect.objectContaining({ code: "session_ends_damaged" }));
  });

  it("counts what could not be written, until the process ends", async () => {
    const host = await rig();
    const path = join(host.directory, "ends.jsonl");
    const ends = SessionEnds.open({
      path,
      now: () => NOW,
      io: {
        write: () => {
          throw Object.assign(new Error("no space"), { code: "ENOSPC" });
        },
        sync: () => undefined,
        truncate: () => undefined,
      },
    });
    expect(() => ends.add(end("one"))).toThrow(AppendError);
    expect(ends.has(nonceOf("one"), "p-ada")).toBe(true);
    expect(() => ends.add(end("one"))).toThrow(AppendError);
    ends.close();
  });
});
