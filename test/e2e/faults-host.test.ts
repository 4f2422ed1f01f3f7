/**
 * Another machine joins the edge and meets what can go wrong between the two: quarantine, removal, certificates that
 * are missing, foreign, replaced or revoked, and clocks that disagree by ten minutes. Its own agent process over its
 * own state, over real TLS. The judging of each certificate is in test/agent/edge/agent-front.test.ts and
 * test/worker/join.test.ts.
 */
import { request } from "node:https";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { openAdmin } from "../../agent/edge/admin.ts";
import { makeAuthority } from "../../agent/edge/certificates.ts";
import { explainRefusal } from "../../protocol/refusals.ts";
import { expectPlain } from "./faults/plain.ts";
import { SecondHost } from "./faults/second-host.ts";
import { check, startTown, type Town } from "./faults/town.ts";
import { clockOff, noWrongClock } from "./faults/wrong-clock.ts";
import { temporaryDirectory, Up } from "./installation.ts";
import { ProblemError, receiptOf } from "./operator.ts";

const PORT = 24_720;
const TEN_MINUTES = 600;

let town: Town;
let second: SecondHost | undefined;
const data = temporaryDirectory("faults-host");

beforeAll(async () => {
  // Its certificates are of yesterday, so that a clock ten minutes behind does not already fail at their begin.
  if (noWrongClock === undefined) {
    const earlier = new Up({
      dataDir: data.path,
      port: PORT,
      agentPort: PORT + 1,
      gateway: "none",
      env: clockOff(-86_400),
    });
    await earlier.event((said) => said.event === "setup");
    await earlier.stop();
  }
  town = await startTown({ port: PORT, dataDir: data.path });
});

afterEach(async () => {
  await second?.leave();
  second = undefined;
});

afterAll(async () => {
  await town?.stop();
  data.remove();
});

async function joinSecond(): Promise<SecondHost> {
  second = await SecondHost.join(town, "attic");
  return second;
}

/** The line of `clawhold doctor` about one thing, without its name. */
function lineOf(out: string, name: string): string {
  return (
    out
      .split("\n")
      .find((line) => line.includes(`  ${name}  `))
      ?.replace(/^(ok|FAIL)\s+\S+( list)?\s+/, "") ?? ""
  );
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "accepted";
  } catch (error) {
    if (error instanceof ProblemError) return error.code;
    throw error;
  }
}

describe("a second machine", () => {
  it("is in quarantine until it is admitted, then obeys, until it is removed for good", async () => {
    const host = await joinSecond();
    const agent = host.start();
    const said = await agent.event((event) => event.event === "words");
    expect(said["words"]).toEqual(host.words);
    await agent.event((event) => event.event === "tunnel" && event["state"] === "connected");

    expect(await codeOf(town.operator.build("host.check@1", host.id))).toBe("host_quarantined");
    const quarantined = await host.doctor();
    expect(quarantined.code).toBe(4);
    expect(lineOf(quarantined.out, "admission")).toBe(
      "This host is in quarantine: nobody has admitted it yet. Compare the words of clawhold host words with the page, then admit it there.",
    );

    await town.operator.admitFirstHost(host.id);
    await agent.event((event) => event.event === "admitted");
    const status = await check(town.operator, host.id);
    expect(receiptOf(status)).toMatchObject({ verdict: "executed", host: host.id, number: 1 });
    expect((await host.doctor()).code).toBe(0);

    await town.operator.removeHost(host.id);
    await agent.event((event) => event.event === "removed");
    const problem = await agent.problem("host_removed");
    expectPlain(problem);
    expect(problem).toBe(
      "An administrator removed this host from the workspace for good. It obeys nobody any more. To use the machine again as a new host, type clawhold trust reset, then join it anew.",
    );
    const removed = await host.doctor();
    expect(lineOf(removed.out, "access")).toBe(problem);
    expect(removed.code).toBe(4);
    expect(await codeOf(town.operator.build("host.check@1", host.id))).toBe("host_removed");
    expect((await host.joinAgain(town)).err.trim()).toBe(
      "An administrator removed this host from the workspace for good. To use the machine again as a new host, type clawhold trust reset, then join it anew.",
    );
    // The other host is not touched by any of it.
    expect(receiptOf(await check(town.operator, town.host))?.verdict).toBe("executed");
  });
});

describe("a certificate", () => {
  it("that is missing is asked for, with the command to type", async () => {
    const { status, body } = await ask(PORT + 1);
    expect(status).toBe(403);
    expect(body).toMatchObject({
      code: "certificate_missing",
      detail:
        "This address is for joined hosts, and no client certificate was presented. Join this host: clawhold join",
    });
  });

  it("of another authority is refused, and doctor says so", async () => {
    const host = await joinSecond();
    host.carry(await makeAuthority("somebody else", new Date()));
    const problem = await host.start().problem("certificate_untrusted");
    expect(problem).toBe(
      "The edge did not issue this host's certificate. Get a fresh join file from it and join again: clawhold join --file <join file>",
    );
    const { out, code } = await host.doctor();
    expect(lineOf(out, "access")).toBe(problem);
    expect(code).toBe(4);
  });

  it("that was revoked closes its tunnel and opens none, until the host joins again", async () => {
    const host = await joinSecond();
    const agent = host.start();
    await agent.event((event) => event.event === "tunnel" && event["state"] === "connected");
    await openAdmin(path.join(town.dataDir, "run", "admin.sock"))("/admin/revoke-certificate", {
      fingerprint: host.fingerprint,
    });
    const closed = await agent.problem("closed_4003");
    expectPlain(closed);
    expect(closed).toContain("this host was removed, or its certificate was revoked");
    const problem = await agent.problem("certificate_revoked");
    expect(problem).toBe(
      "The edge has revoked this host's certificate. If that was a mistake, get a fresh join file and join again: clawhold join --file <join file>",
    );
    const { out, code } = await host.doctor();
    expect(lineOf(out, "access")).toBe(problem);
    expect(code).toBe(4);
    await host.stop();
    expect((await host.joinAgain(town)).code).toBe(0);
    await host.start().event((event) => event.event === "tunnel" && event["state"] === "connected");
  });

  it("that was replaced by a newer one is refused: somebody may hold a copy", async () => {
    const host = await joinSecond();
    await openAdmin(path.join(town.dataDir, "run", "d1.sock"))("/query", [
      {
        sql: `INSERT INTO certificates (fingerprint, workspace, host, valid_from, valid_until, issued_at)
              SELECT '${"0".repeat(64)}', workspace, host, valid_from, valid_until, issued_at + 1
              FROM certificates WHERE host = '${host.id}'`,
      },
      { sql: `UPDATE certificates SET revoked_at = issued_at WHERE fingerprint = '${host.fingerprint}'` },
    ]);
    const problem = await host.start().problem("certificate_replaced");
    expectPlain(problem);
    expect(problem).toContain("a newer certificate, perhaps to a copy of it.");
  });
});

/** Offs are relative: a host ten minutes ahead is also an edge ten minutes behind. */
describe.skipIf(noWrongClock !== undefined)(
  `a host whose clock is wrong${noWrongClock === undefined ? "" : ` (skipped: ${noWrongClock})`}`,
  () => {
    it("by ten minutes ahead still obeys, and doctor names the difference", async () => {
      const host = await joinSecond();
      const agent = host.start(clockOff(TEN_MINUTES));
      await agent.event((event) => event.event === "tunnel" && event["state"] === "connected");
      await town.operator.admitFirstHost(host.id);
      await agent.event((event) => event.event === "admitted");
      const receipt = receiptOf(await check(town.operator, host.id));
      expect(receipt?.verdict).toBe("executed");
      expect((receipt?.started ?? 0) - Math.floor(Date.now() / 1_000)).toBeGreaterThan(TEN_MINUTES - 60);
      const { out } = await host.doctor(clockOff(TEN_MINUTES));
      expect(lineOf(out, "clock")).toMatch(
        /^This host's clock is (599|600|601) s ahead of the edge's\. Set it \(timedatectl set-ntp true\); /,
      );
    });

    it("by ten minutes behind refuses a sign-in of its future, and says which clock to look at", async () => {
      const host = await joinSecond();
      const agent = host.start(clockOff(-TEN_MINUTES));
      await agent.event((event) => event.event === "tunnel" && event["state"] === "connected");
      await town.operator.admitFirstHost(host.id);
      await agent.event((event) => event.event === "admitted");
      expect(await codeOf(town.operator.build("host.check@1", host.id))).toBe("session_lifetime");
      const { what, next } = explainRefusal("session_lifetime");
      expect(what).toContain("has not begun by the host's clock");
      expect(next).toContain("clawhold doctor");
      const { out } = await host.doctor(clockOff(-TEN_MINUTES));
      expect(lineOf(out, "clock")).toMatch(/^This host's clock is (599|600|601) s behind the edge's\./);
    });

    it("by two days behind does not even believe the edge's certificate, and says why", async () => {
      const host = await joinSecond();
      const problem = await host.start(clockOff(-2 * 86_400)).problem("CERT_NOT_YET_VALID");
      expect(problem).toBe(
        "The edge's certificate begins in the future by this host's clock. Set the clock of this host; it seems to be behind.",
      );
      const { out, code } = await host.doctor(clockOff(-2 * 86_400));
      expect(lineOf(out, "edge")).toBe(problem);
      expect(code).toBe(3);
    });
  },
);

interface Answer {
  readonly status: number | undefined;
  readonly body: unknown;
}

/** As somebody without any certificate. */
function ask(port: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request({ host: "127.0.0.1", port, path: "/health", rejectUnauthorized: false }, (response) => {
      let text = "";
      response.on("data", (part: Buffer) => (text += part.toString("utf8")));
      response.on("end", () => resolve({ status: response.statusCode, body: JSON.parse(text) }));
    });
    call.on("error", reject);
    call.end();
  });
}
