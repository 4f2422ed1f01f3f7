/** Another port for SSH: both are open until somebody came in over the new one; else everything is as it was. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { rollbackVerb, watchVerb } from "../../../../agent/host/remedies/verbs.ts";
import { failed, isRoot, ok, StandIn } from "./stand-in.ts";

const PORT = 24_022;
const DROP_IN = "/etc/ssh/sshd_config.d/00-clawhold-port-nonstandard.conf";

let host: StandIn;
let journal = "";

beforeEach(() => {
  host = new StandIn();
  journal = "";
  host.program = ([program, ...rest]) => {
    if (program === "journalctl") return ok(journal);
    const isOnOld = program === "ssh" && rest.includes("22");
    return isOnOld && !isListening(22) ? failed("Connection refused") : undefined;
  };
});
afterEach(() => host.remove());

const isListening = (port: number): boolean =>
  (host.disk.text(DROP_IN) ?? "Port 22\n").includes(`Port ${String(port)}\n`);

async function armed(): Promise<string> {
  const answer = await host.apply("ssh.port.nonstandard", { sshPort: PORT });
  if (answer.kind !== "fix") throw new Error(JSON.stringify(answer));
  expect(answer.fix.state).toBe("armed");
  expect([isListening(22), isListening(PORT)]).toEqual([true, true]);
  return answer.fix.fix;
}

describe.skipIf(!isRoot)("SSH's next port", () => {
  it("closes the old one once somebody signed in over it", async () => {
    const fix = await armed();
    expect(host.asked.filter((line) => line.includes(`clawhold-watch-${fix}`))).toHaveLength(1);
    journal = `Connection from 203.0.113.67 port 5 on 203.0.113.10 port ${String(PORT)} rdomain ""\nAccepted publickey for owner from 203.0.113.67 port 5 ssh2`;
    await watchVerb(host.options, fix);
    expect([isListening(22), isListening(PORT)]).toEqual([false, true]);
    expect(await host.states()).toEqual(["applied"]);
    expect((await host.plan("ssh.port.nonstandard", { sshPort: PORT })).plan.steps).toEqual([]);
    await host.rollback(fix);
    expect(host.disk.state(DROP_IN).kind).toBe("absent");
  });

  it("is left to its window by the timer of the change, and ends with it", async () => {
    const fix = await armed();
    await rollbackVerb(host.options, fix, "deadman");
    expect(await host.states()).toEqual(["armed"]);
    host.now += 600;
    await watchVerb(host.options, fix);
    expect(await host.states()).toEqual(["undone no_sign_in"]);
    expect(host.disk.state(DROP_IN).kind).toBe("absent");
  });

  it("ends with its window although the one who watched was killed", async () => {
    const fix = await armed();
    expect(host.asked.some((line) => line.includes(`clawhold-window-${fix}`))).toBe(true);
    await rollbackVerb(host.options, fix, "window");
    expect(await host.states()).toEqual(["undone no_sign_in"]);
  });

  it("is taken back when the old one cannot be closed", async () => {
    const fix = await armed();
    host.program = ([program]) => (program === "journalctl" ? ok(journal) : undefined);
    journal = `Connection from 203.0.113.67 port 5 on 203.0.113.10 port ${String(PORT)} rdomain ""\nAccepted publickey for owner from 203.0.113.67 port 5 ssh2`;
    await watchVerb(host.options, fix);
    expect(await host.states()).toEqual(["undone not_proven"]);
    expect(host.said.join(" ")).toContain("SSH still answers on port 22");
    expect(host.disk.state(DROP_IN).kind).toBe("absent");
  });

  it("lets no other fix begin meanwhile", async () => {
    await armed();
    expect(await host.apply("ssh.password-auth")).toMatchObject({ kind: "refused", code: "another_armed" });
  });
});
