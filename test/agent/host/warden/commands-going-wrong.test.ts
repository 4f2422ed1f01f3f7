/** agent/host/warden/commands.ts where something else than the command is at fault: the disk, the trust log, the gateway. */
import { fdatasyncSync, ftruncateSync, writeSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { AppendError, type AppendIo } from "../../../../agent/host/warden/append-file.ts";
import { fromBase64url } from "../../../../protocol/bytes.ts";
import { digestOf } from "../../../../protocol/signing.ts";
import { stated } from "../../../fixtures/workspace.ts";
import { until } from "./rig.ts";
import { useRigs } from "./rigs.ts";

const { rig, replace } = useRigs();

describe("a full disk", () => {
  function failingIo(): AppendIo & { fail: boolean; from: number } {
    return {
      fail: false,
      from: 0,
      write(fd, bytes, position) {
        if (!this.fail) return writeSync(fd, bytes, 0, bytes.length, position);
        writeSync(fd, bytes, 0, 3, position); // half a line first, as a real disk does
        throw Object.assign(new Error("no space"), { code: "ENOSPC" });
      },
      sync: fdatasyncSync,
      truncate: ftruncateSync,
    };
  }

  it("refuses before acting, runs nothing, and works again when there is space", async () => {
    const io = failingIo();
    const host = await rig({ journalIo: io });
    const command = await host.command();
    io.fail = true;
    await host.deliver(command.bytes);
    expect(host.gateway.restarts).toBe(0);
    expect(host.last("refused")).toMatchObject({ subject: command.digest, code: "journal" });
    io.fail = false;
    await host.deliver((await host.command()).bytes, 2);
    expect(host.gateway.restarts).toBe(1);
    const next = await host.reopen({});
    replace(next);
    expect(next.context.journal.position.number).toBe(1);
    expect(next.context.journal.tornBytes).toBe(0);
  });

  it("sends no receipt that is not on disk, and sends it once it is", async () => {
    const io = failingIo();
    const host = await rig({ journalIo: io });
    host.gateway.onRestart = () => {
      io.fail = true;
    };
    const command = await host.command();
    await host.receive({ kind: "deliver", number: 1, envelope: Buffer.from(command.bytes).toString("base64url") });
    await until(() => host.logged.some((line) => line["event"] === "journal_write_failed"));
    expect(host.receipts()).toEqual([]);
    io.fail = false;
    await until(() => host.receipts().length === 1);
    expect(host.lastReceipt().verdict).toBe("executed");
    expect(host.gateway.restarts).toBe(1);
  });

  it("refuses everything after a failed sync", async () => {
    const io = failingIo();
    let breaks = false;
    const host = await rig({
      journalIo: {
        ...io,
        sync: (fd) => {
          if (breaks) throw new AppendError("sync");
          fdatasyncSync(fd);
        },
      },
    });
    const command = await host.command();
    breaks = true;
    await host.deliver(command.bytes);
    breaks = false;
    await host.deliver((await host.command()).bytes, 2);
    expect(host.gateway.restarts).toBe(0);
    expect(host.last("refused").code).toBe("journal");
  });
});

describe("trust that moves on", () => {
  it("fetches once when the command knows more, then runs it", async () => {
    const host = await rig({ wait: () => new Promise(() => undefined) });
    const { world } = host;
    const passkey = world.people.ada.passkey;
    const later = await stated(
      { state: world.state, by: passkey },
      { kind: "role.assign", body: { person: "p-vera", roles: ["operator"] } },
    );
    const head = {
      n: world.state.head.n + 1,
      hash: digestOf("statement", fromBase64url(later.statement)),
      revoked: world.state.head.revoked,
    };
    const command = await host.command((draft) => {
      draft.intent = { ...draft.intent, trustHead: head };
    });
    await host.receive({ kind: "deliver", number: 1, envelope: Buffer.from(command.bytes).toString("base64url") });
    await until(() => host.sent.some((frame) => frame.kind === "trust-want"));
    expect(host.last("trust-want").after).toEqual(world.state.head);
    await host.receive({ kind: "trust", page: { statements: [later] } });
    await until(() => host.receipts().length === 1);
    expect(host.lastReceipt()).toMatchObject({ verdict: "executed", trustHead: head });
    expect(host.last("trust-ack")).toBeDefined();
  });

  it("refuses trust_behind when nothing newer comes, and asks at most once a minute", async () => {
    const host = await rig();
    const head = { ...host.world.state.head, n: 99 };
    for (const number of [1, 2]) {
      const command = await host.command((draft) => {
        draft.intent = { ...draft.intent, trustHead: head };
      });
      await host.deliver(command.bytes, number);
      expect(host.last("refused").code).toBe("trust_behind");
    }
    expect(host.sent.filter((frame) => frame.kind === "trust-want")).toHaveLength(1);
  });

  it("obeys nobody any more once it was removed", async () => {
    const host = await rig();
    const { world } = host;
    const command = await host.command();
    const removal = await stated(
      { state: world.state, by: world.people.ada.passkey },
      { kind: "host.remove", body: { host: world.host } },
    );
    await host.receive({ kind: "trust", page: { statements: [removal] } });
    await host.deliver(command.bytes);
    expect(host.gateway.restarts).toBe(0);
    expect(host.warden.admission()).toBe("none");
    expect(await host.prepare()).toMatchObject({ kind: "refused", code: "target" });
  });

  it("refuses when trust changes while the gateway is asked", async () => {
    const host = await rig();
    const { world } = host;
    const command = await host.command();
    const change = await stated(
      { state: world.state, by: world.people.ada.passkey },
      { kind: "role.assign", body: { person: "p-otto", roles: [] } },
    );
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
    const { promise: answer, resolve: reply } = Promise.withResolvers<string>();
    host.gateway.bootId = () => {
      ask();
      return answer;
    };
    await host.receive({ kind: "deliver", number: 1, envelope: Buffer.from(command.bytes).toString("base64url") });
    await asked;
    await host.receive({ kind: "trust", page: { statements: [change] } });
    reply("boot-0001");
    await until(() => host.receipts().length === 1);
    expect(host.lastReceipt()).toMatchObject({ verdict: "refused", code: "trust_behind" });
    expect(host.gateway.restarts).toBe(0);
  });
});

describe("operations that go wrong", () => {
  it("failed: no new boot came", async () => {
    const host = await rig();
    host.gateway.restart = () => Promise.resolve({ before: "boot-0001", after: undefined });
    await host.deliver((await host.command()).bytes);
    expect(host.lastReceipt()).toMatchObject({ verdict: "failed", observed: { gatewayBootBefore: "boot-0001" } });
  });

  it("failed: the gateway refused, with the code in the log only", async () => {
    const host = await rig();
    host.gateway.restart = () =>
      Promise.reject(Object.assign(new Error("content of the gateway"), { code: "refused" }));
    await host.deliver((await host.command()).bytes);
    expect(host.lastReceipt().verdict).toBe("failed");
    expect(JSON.stringify(host.logged)).not.toContain("content of the gateway");
    expect(host.logged).toContainEqual(expect.objectContaining({ step: "executed", reason: "refused" }));
  });

  it("takes a boot id that is none for no claim", async () => {
    const host = await rig();
    host.gateway.restart = () => Promise.resolve({ before: "boot-0001", after: "\u001b[2Jboot" });
    await host.deliver((await host.command()).bytes);
    expect(host.lastReceipt()).toMatchObject({ verdict: "failed", observed: { gatewayBootBefore: "boot-0001" } });
  });
});
