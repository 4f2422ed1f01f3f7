import { appendFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { TrustStore } from "../../../../agent/host/warden/trust-store.ts";
import { AppendError } from "../../../../agent/host/warden/append-file.ts";
import { applied, makeRoot, stated, type World } from "../../../fixtures/workspace.ts";
import { nonceOf } from "../../../fixtures/keys.ts";
import { temporary, theWorld } from "./rig.ts";

let world: World;
let directory: string;
let path: string;
beforeAll(async () => {
  world = await theWorld();
});
beforeEach(() => {
  directory = temporary();
  path = join(directory, "trust.jsonl");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const open = (): Promise<TrustStore> => TrustStore.open({ path, pin: { workspace: world.workspace } });
const page = () => ({ root: world.root, statements: [...world.statements] });

describe("growing", () => {
  it("holds after a start what it held before", async () => {
    const store = await open();
    expect(await store.accept(page())).toEqual({ added: world.statements.length + 1, refusal: undefined });
    store.close();
    const again = await open();
    expect(again.state?.head).toEqual(world.state.head);
    expect(again.state).toEqual(world.state);
    again.close();
  });

  it("takes pages in parts, and ignores what it knows", async () => {
    const store = await open();
    await store.accept({ root: world.root, statements: world.statements.slice(0, 3) });
    expect(await store.accept(page())).toEqual({ added: world.statements.length - 3, refusal: undefined });
    expect(await store.accept(page())).toEqual({ added: 0, refusal: undefined });
    store.close();
  });

  it("takes what was revoked behind a statement that is out of place", async () => {
    const store = await open();
    await store.accept(page());
    const by = world.people.ada.passkey;
    const next = await stated(
      { state: world.state, by },
      { kind: "role.assign", body: { person: "p-otto", roles: [] } },
    );
    const after = await stated(
      { state: await applied(world.state, next), by },
      { kind: "role.assign", body: { person: "p-vera", roles: [] } },
    );
    const revoking = await stated({ state: world.state, by }, { kind: "person.revoke", body: { person: "p-vera" } });
    expect(await store.accept({ statements: [after, revoking] })).toEqual({
      added: 1,
      refusal: undefined,
      passedOver: "place",
    });
    expect(store.state?.people.has("p-vera")).toBe(false);
    store.close();
  });

  it("accepts the setup key as a pin", async () => {
    const store = await TrustStore.open({ path, pin: { setupKey: world.setupKey } });
    expect((await store.accept(page())).refusal).toBeUndefined();
    expect(store.state?.workspace).toBe(world.workspace);
    store.close();
  });
});

describe("refusing", () => {
  it("a root that is not the pinned one", async () => {
    const other = await makeRoot((draft) => {
      draft.root = { ...draft.root, at: 7 };
    });
    const store = await open();
    expect(await store.accept({ root: other.signed, statements: [] })).toEqual({ added: 0, refusal: "workspace" });
    store.close();
    const bySetup = await TrustStore.open({ path, pin: { setupKey: nonceOf("another setup key") } });
    expect((await bySetup.accept({ root: world.root, statements: [] })).refusal).toBe("setup_key");
    bySetup.close();
  });

  it("statements before a root, and out of their place", async () => {
    const store = await open();
    expect((await store.accept({ statements: [...world.statements] })).refusal).toBe("no_root");
    await store.accept({ root: world.root, statements: [] });
    expect(await store.accept({ statements: world.statements.slice(1) })).toEqual({
      added: 0,
      refusal: undefined,
      passedOver: "place",
    });
    expect(store.state?.head.n).toBe(0);
    store.close();
  });

  it("an older page: it never goes back", async () => {
    const store = await open();
    await store.accept(page());
    await store.accept({ root: world.root, statements: world.statements.slice(0, 2) });
    expect(store.state?.head).toEqual(world.state.head);
    store.close();
  });

  it("two pages at once, by an old tunnel and a new one: nothing is written twice, and nothing taken back", async () => {
    const store = await open();
    await store.accept(page());
    const by = world.people.ada.passkey;
    const first = await stated(
      { state: world.state, by },
      { kind: "role.assign", body: { person: "p-vera", roles: [] } },
    );
    const then = await applied(world.state, first);
    const revoking = await stated({ state: then, by }, { kind: "role.assign", body: { person: "p-otto", roles: [] } });
    const [touch] = first.approvals;
    // Eight copies of one touch verify too, and take eight times as long: the old tunnel's page ends last.
    const slowly = { ...first, approvals: Array.from({ length: 8 }, () => touch ?? expect.unreachable()) };
    await Promise.all([store.accept({ statements: [slowly] }), store.accept({ statements: [first, revoking] })]);
    expect(store.state?.head.n).toBe(world.state.head.n + 2);
    expect(store.state?.people.get("p-otto")?.roles).toEqual([]);
    store.close();
    const again = await open();
    expect(again.state?.head.n).toBe(world.state.head.n + 2);
    again.close();
  });

  it("stops at the first statement that does not verify, and keeps what came before", async () => {
    const byViewer = await stated(
      { state: world.state, by: world.people.vera.passkey },
      { kind: "host.remove", body: { host: world.host } },
    );
    const store = await open();
    const result = await store.accept({ root: world.root, statements: [...world.statements, byViewer] });
    expect(result).toEqual({ added: world.statements.length + 1, refusal: "role" });
    expect(store.state?.head).toEqual(world.state.head);
    store.close();
  });
});

describe("the file", () => {
  it("loses at most a line that never counted", async () => {
    const store = await open();
    await store.accept(page());
    store.close();
    appendFileSync(path, '{"approvals":[{"asser');
    const again = await open();
    expect(again.state?.head).toEqual(world.state.head);
    again.close();
  });

  it("is refused when a line was changed, taken out or is foreign", async () => {
    const store = await open();
    await store.accept(page());
    store.close();
    const lines = readFileSync(path, "utf8").trimEnd().split("\n");
    const damaged = expect.objectContaining({ code: "trust_damaged" });
    for (const bent of [
      lines.toSpliced(1, 1),
      lines.toSpliced(2, 0, "{}"),
      [lines[0] ?? "", lines[2] ?? ""],
      lines.slice(1),
      [lines[0] ?? "", ...lines],
      [...lines, lines.at(-1) ?? ""],
    ]) {
      writeFileSync(path, bent.map((line) => `${line}\n`).join(""));
      await expect(open()).rejects.toEqual(damaged);
    }
  });

  it("is refused under another pin", async () => {
    const store = await open();
    await store.accept(page());
    store.close();
    await expect(TrustStore.open({ path, pin: { workspace: nonceOf("other") } })).rejects.toMatchObject({
      code: "trust_damaged",
    });
  });

  it("counts nothing that could not be written", async () => {
    const store = await TrustStore.open({
      path,
      pin: { workspace: world.workspace },
      io: {
        write: () => {
          throw Object.assign(new Error("no space"), { code: "ENOSPC" });
        },
        sync: () => undefined,
        truncate: () => undefined,
      },
    });
    await expect(store.accept(page())).rejects.toBeInstanceOf(AppendError);
    expect(store.state).toBeUndefined();
    store.close();
  });
});
