/** trust show, export and import over the state of a joined host, with and without a running agent. */
import "reflect-metadata";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { openDoor } from "../../../agent/host/door.ts";
import { runAgent, type Agent, type RunDeps } from "../../../agent/host/run.ts";
import { openHostState, type HostState } from "../../../agent/host/state.ts";
import { TrustStore } from "../../../agent/host/warden/trust-store.ts";
import { fromBase64url, toBase64url, utf8Text } from "../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../protocol/canonical.ts";
import { digestOf } from "../../../protocol/signing.ts";
import { trustAckCodec } from "../../../protocol/tunnel.ts";
import type { SignedStatement } from "../../../protocol/trust/statements.ts";
import { nonceOf, seedOf, signerOf } from "../../fixtures/keys.ts";
import { applied, makeRoot, NOW, stated, type World } from "../../fixtures/workspace.ts";
import { greet, startScriptedEdge, type ScriptedEdge } from "../host/link/scripted-edge.ts";
import { theWorld, until } from "../host/warden/rig.ts";
import { run, type Ran } from "./terminal.ts";

let world: World;
let data: string;
let state: HostState;
let edge: ScriptedEdge | undefined;
let agent: Agent | undefined;
let count = 0;
/** Revokes Otto's passkey; somebody whom the world's head knows. */
let revoking: SignedStatement;

beforeAll(async () => {
  world = await theWorld();
  const credential = world.people.otto.passkey.pinned.credentialId;
  revoking = await stated(
    { state: world.state, by: world.people.ada.passkey },
    { kind: "credential.revoke", body: { credential } },
  );
});
beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), "clawhold-trust-"));
  state = openHostState(join(data, "host"));
  const keys = { v: 1, hostSeed: toBase64url(seedOf("host")), cosignSeed: toBase64url(seedOf("host cosign")) };
  writeFileSync(state.files.keys, JSON.stringify(keys), { mode: 0o600 });
  joinTo("wss://127.0.0.1:1");
  state.saveTls({ v: 1, key: "-----BEGIN PRIVATE KEY-----\n", certificate: "-----BEGIN CERTIFICATE-----\n" });
  await hold([...world.statements]);
});
afterEach(async () => {
  await agent?.stop();
  await edge?.stop();
  agent = undefined;
  edge = undefined;
  rmSync(data, { recursive: true, force: true });
});

function joinTo(url: string): void {
  const { workspace, host } = world;
  state.saveHost({ v: 1, edge: url, workspace, host, label: "x", colocated: false, gateway: { kind: "none" } });
}

async function hold(statements: readonly SignedStatement[]): Promise<void> {
  const store = await TrustStore.open({ path: state.files.trust, pin: { workspace: world.workspace } });
  await store.accept({ root: world.root, statements: [...statements] });
  store.close();
}

const trust = (...words: string[]): Promise<Ran> => run(["trust", ...words, "--data", data]);
const linesOf = (...items: object[]): string => items.map((item) => `${utf8Text(encodeCanonical(item))}\n`).join("");
function file(text: string): string {
  const path = join(data, "carried.jsonl");
  writeFileSync(path, text);
  return path;
}
const jsonOf = ({ out }: Ran): Record<string, unknown> => JSON.parse(out.at(-1) ?? "") as Record<string, unknown>;
const head = async (): Promise<unknown> => jsonOf(await trust("show", "--json"))["trust"];

async function startAgent(): Promise<ScriptedEdge> {
  const opened = await startScriptedEdge();
  edge = opened;
  joinTo(opened.url);
  state.saveTls(opened.tls);
  const deps: RunDeps = {
    agentVersion: "0.0.0",
    pid: process.pid,
    ownUid: process.getuid?.() ?? 0,
    environment: {},
    homeDirectory: data,
    clock: { wall: () => NOW * 1_000, monotonic: () => performance.now() },
    random: () => 0,
    nonce: () => nonceOf(`trust cli ${String((count += 1))}`),
    wait: () => new Promise((resolve) => setImmediate(resolve)),
    log: () => undefined,
    say: () => undefined,
  };
  agent = await runAgent(state, deps);
  return opened;
}

describe("trust export", () => {
  it("writes the log that another host takes whole", async () => {
    const out = join(data, "log.jsonl");
    const exported = await trust("export", "--out", out);
    expect(exported).toMatchObject({ exit: 0, err: [] });
    expect(exported.out[0]).toContain(`up to statement ${String(world.state.head.n)}`);
    expect(statSync(out).mode & 0o077).toBe(0);
    const text = readFileSync(out, "utf8");
    expect((await trust("export")).out.join("\n")).toBe(text.trimEnd());
    rmSync(state.files.trust);
    const taken = await trust("import", out);
    expect(taken.exit).toBe(0);
    expect(taken.out[0]).toBe(`${String(world.statements.length)} statements taken:`);
    expect(readFileSync(state.files.trust, "utf8")).toBe(text);
  });

  it("goes on when the agent is writing its last line", async () => {
    writeFileSync(state.files.trust, '{"appro', { flag: "a" });
    const { exit, out } = await trust("export");
    expect(exit).toBe(0);
    expect(out).toHaveLength(world.statements.length + 1);
    expect(readFileSync(state.files.trust, "utf8").endsWith('{"appro')).toBe(true);
  });

  it("says that there is none yet, and that a file exists already", async () => {
    const out = join(data, "log.jsonl");
    writeFileSync(out, "mine");
    expect(await trust("export", "--out", out)).toMatchObject({ exit: 1 });
    expect(readFileSync(out, "utf8")).toBe("mine");
    rmSync(state.files.trust);
    const none = await trust("export");
    expect(none.exit).toBe(3);
    expect(none.err[0]).toContain("has not received the trust log yet");
  });

  it("does not write down a log that does not verify", async () => {
    writeFileSync(state.files.trust, linesOf(world.root, revoking, revoking));
    const { exit, err } = await trust("export");
    expect(exit).toBe(1);
    expect(err[0]).toMatch(/does not verify in line 2/);
  });
});

describe("trust import, while no agent runs", () => {
  it("takes one revocation, and says whose passkey it is", async () => {
    const credential = world.people.otto.passkey.pinned.credentialId;
    const { exit, out } = await trust("import", file(linesOf(revoking)));
    expect(out).toEqual(["1 revocation taken:", `  passkey ${credential.slice(0, 12)} of person p-otto revoked`]);
    expect(exit).toBe(0);
    expect(await head()).toMatchObject({ counts: { revocations: 1 } });
    const again = await trust("import", file(linesOf(revoking)));
    expect(again.exit).toBe(0);
    expect(again.out[0]).toContain("Nothing was taken");
  });

  it("takes lines in any order, and pages as the tunnel carries them", async () => {
    const by = world.people.ada.passkey;
    const then = await applied(world.state, revoking);
    const next = await stated({ state: then, by }, { kind: "role.assign", body: { person: "p-vera", roles: [] } });
    const knowing = { ...next, knew: [...then.revocations.keys()] };
    const last = await stated(
      { state: await applied(then, knowing), by },
      { kind: "role.assign", body: { person: "p-nora", roles: ["viewer"] } },
    );
    const backwards = await trust("import", file(linesOf({ statements: [last, knowing] }, revoking)), "--json");
    expect(backwards.exit).toBe(0);
    expect(jsonOf(backwards)).toMatchObject({
      event: "imported",
      left: 0,
      frozen: false,
      n: world.state.head.n + 2,
      taken: [{ kind: "role.assign" }, { kind: "role.assign" }, { kind: "credential.revoke" }],
    });
  });

  it("takes more than one page holds", async () => {
    let now = world.state;
    const many: SignedStatement[] = [];
    for (let i = 0; i < 70; i += 1) {
      const roles = i % 2 === 0 ? ["viewer"] : [];
      const one = await stated(
        { state: now, by: world.people.ada.passkey },
        { kind: "role.assign", body: { person: "p-nora", roles } },
      );
      now = await applied(now, one);
      many.push(one);
    }
    const { exit, out } = await trust("import", file(linesOf(...many)));
    expect(exit).toBe(0);
    expect(out[0]).toBe("70 statements taken:");
  });

  it("freezes on a second history, and says so with exit code 4", async () => {
    const by = world.people.ada.passkey;
    const sibling = async (roles: string[]): Promise<SignedStatement> =>
      stated({ state: world.state, by }, { kind: "role.assign", body: { person: "p-nora", roles } });
    await hold([...world.statements, await sibling([])]);
    const { exit, out } = await trust("import", file(linesOf(await sibling(["operator"]))));
    expect(exit).toBe(4);
    expect(out.join("\n")).toMatch(/FROZEN[\s\S]*claim place[\s\S]*an administrator resolves it/);
    const shown = await trust("show");
    expect(shown.exit).toBe(4);
    expect(shown.out.join("\n")).toContain("FROZEN: this host obeys nobody");
    expect(shown.out.join("\n")).not.toContain("This host obeys\n");
  });

  it.each([
    ["garbage", "no log\n", 2, /line 1 is neither/],
    ["an empty file", "", 2, /line 1 is neither/],
    ["a second line that is none", linesOf({ statements: [] }) + "{}\n", 2, /line 2 is neither/],
  ])("refuses %s, and takes nothing", async (_, text, ...[code, sentence]) => {
    const before = readFileSync(state.files.trust, "utf8");
    const { exit, err } = await trust("import", file(text));
    expect(exit).toBe(code);
    expect(err[0]).toMatch(sentence);
    expect(readFileSync(state.files.trust, "utf8")).toBe(before);
  });

  it("refuses another workspace, and a statement that does not verify", async () => {
    const other = await makeRoot((draft) => {
      draft.root = { ...draft.root, at: 7 };
    });
    const foreign = await trust("import", file(linesOf(other.signed)));
    expect(foreign.exit).toBe(4);
    expect(foreign.out.at(-1)).toContain("another workspace");
    const byViewer = await stated(
      { state: world.state, by: world.people.vera.passkey },
      { kind: "person.revoke", body: { person: "p-otto" } },
    );
    const forged = await trust("import", file(linesOf(byViewer, revoking)));
    expect(forged.exit).toBe(4);
    expect(forged.out.at(-1)).toContain("does not verify (role)");
    expect(await head()).toMatchObject({ counts: { revocations: 0 } });
  });

  it("says what it passed over", async () => {
    const by = world.people.ada.passkey;
    const gap = await stated(
      { state: world.state, by },
      { kind: "role.assign", body: { person: "p-vera", roles: [] } },
      (draft) => {
        draft.statement["prev"] = { n: world.state.head.n + 1, hash: nonceOf("missing") };
      },
    );
    const alone = await trust("import", file(linesOf(gap)));
    expect(alone.exit).toBe(4);
    expect(alone.out.at(-1)).toMatch(/1 statement of the file was passed over: what they follow is neither here/);
    const beside = await trust("import", file(linesOf(gap, revoking)));
    expect(beside.exit).toBe(0);
    expect(beside.out[0]).toBe("1 revocation taken:");
  });

  it("names the file that is missing or cannot be read", async () => {
    expect(await trust("import")).toMatchObject({ exit: 2 });
    const { exit, err } = await trust("import", join(data, "nowhere"));
    expect(exit).toBe(2);
    expect(err[0]).toContain("ENOENT");
  });

  it("is refused to another user", async () => {
    const words = ["trust", "import", file(linesOf(revoking)), "--data", data];
    const { exit, err } = await run(words, { uid: 4_242 });
    expect(exit).toBe(4);
    expect(err[0]).toContain("sudo -u");
  });
});

describe("trust import, while the agent runs", () => {
  it("counts at once: on disk, for the running agent, and said to the edge", async () => {
    const opened = await startAgent();
    const connection = await opened.next();
    await greet(connection, { world, fingerprint: opened.fingerprint });
    await connection.frame("trust-ack");
    const acks = (): number => connection.frames.filter(({ kind }) => kind === "trust-ack").length;
    const before = acks();
    const { exit, out } = await trust("import", file(linesOf(revoking)));
    expect(exit).toBe(0);
    expect(out[0]).toBe("1 revocation taken:");
    await until(() => acks() > before);
    const { signed } = await connection.frame("trust-ack");
    const now = await applied(world.state, revoking);
    expect(trustAckCodec.decode(fromBase64url(signed.body)).trustHead).toEqual(now.head);
  });

  it("is no weaker than the tunnel", async () => {
    await startAgent();
    const byViewer = await stated(
      { state: world.state, by: world.people.vera.passkey },
      { kind: "host.remove", body: { host: world.host } },
    );
    const { exit, out } = await trust("import", file(linesOf(byViewer)));
    expect(exit).toBe(4);
    expect(out.at(-1)).toContain("does not verify (role)");
    expect(await head()).toMatchObject({ admission: "admitted", head: world.state.head });
  });

  it("says that the disk did not take it", async () => {
    const lock = state.lock(() => new Date());
    const close = await openDoor(state.files.door, () => Promise.resolve({ kind: "refused", code: "disk" }));
    const { exit, err } = await trust("import", file(linesOf(revoking)));
    expect(exit).toBe(1);
    expect(err[0]).toContain("Free some space, then type this again");
    await close();
    lock.release();
  });

  it("says that the agent does not answer", async () => {
    const lock = state.lock(() => new Date());
    const { exit, err } = await trust("import", file(linesOf(revoking)));
    expect(exit).toBe(3);
    expect(err[0]).toContain("does not answer");
    lock.release();
  });
});

describe("trust show", () => {
  // Grants end: they are shown as they stand in the fixtures' time.
  beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: NOW * 1_000 }));
  afterEach(() => void vi.useRealTimers());

  it("says whom this host obeys, by id", async () => {
    const { exit, out } = await trust("show");
    expect(exit).toBe(0);
    const text = out.join("\n");
    expect(text).toContain(world.workspace);
    expect(text).toMatch(/Head +statement \d+/);
    expect(text).toMatch(/People +5, of whom 1 can administer/);
    expect(text).toMatch(/This host +h-\S+, admitted/);
    expect(text).toMatch(/gateway\.restart@1 +p-ada, p-otto\n/);
    expect(text).toMatch(/host\.drill@1 +p-ada(\n|$)/);
  });

  it("takes the deny list, rules for two and automation keys into account", async () => {
    const by = world.people.ada.passkey;
    const key = (await signerOf("pipeline")).publicKey;
    const granting = await stated(
      { state: world.state, by },
      {
        kind: "automation-key.add",
        body: {
          id: "k-ci",
          publicKey: key,
          label: "CI",
          operations: [{ operation: "host.check@1", limits: [] }],
          hosts: ["all"],
          rate: { commands: 1, seconds: 1 },
          until: NOW + 86_400 * 80,
        },
      },
    );
    const granted = await applied(world.state, granting);
    const promoting = await stated(
      { state: granted, by },
      { kind: "role.assign", body: { person: "p-otto", roles: ["admin"] } },
    );
    const promoted = await applied(granted, promoting);
    const rule = await stated(
      { state: promoted, by },
      { kind: "policy.set", body: { id: "two", operations: ["host.drill@1"], hosts: ["all"], people: 2 } },
    );
    await hold([...world.statements, granting, promoting, rule]);
    writeFileSync(state.files.denyList, "gateway.*\n", { mode: 0o600 });
    const text = (await trust("show")).out.join("\n");
    expect(text).toMatch(/gateway\.restart@1 +nobody: the deny list/);
    expect(text).toMatch(/host\.check@1 +p-ada, p-otto, key k-ci/);
    expect(text).toMatch(/host\.drill@1 +2 of p-ada, p-otto/);
    writeFileSync(state.files.denyList, "nonsense here\n", { mode: 0o600 });
    expect((await trust("show")).out.join("\n")).toMatch(/host\.check@1 +nobody: the deny list/);
  });

  it("says that there is no log yet, and that this host is not admitted", async () => {
    await hold([]);
    rmSync(state.files.trust);
    const none = await trust("show");
    expect(none.exit).toBe(0);
    expect(none.out.join("\n")).toContain("not received yet, so this host obeys nobody");
    await hold(world.statements.slice(0, -1));
    const text = (await trust("show")).out.join("\n");
    expect(text).toContain("not admitted: it obeys nobody");
    expect(text).not.toContain("This host obeys\n");
  });

  it("needs a host that has joined", async () => {
    rmSync(state.files.host);
    for (const command of ["show", "export"]) expect(await trust(command)).toMatchObject({ exit: 3 });
    const nowhere = await run(["trust", "show", "--data", join(data, "nowhere")]);
    expect(nowhere.exit).toBe(3);
    expect(existsSync(join(data, "nowhere"))).toBe(false);
  });

  it("gives the head as others can compare it", async () => {
    expect(await head()).toMatchObject({ head: world.state.head, admission: "admitted", host: world.host });
    expect(digestOf("root", fromBase64url(world.root.root))).toBe(world.workspace);
  });
});
