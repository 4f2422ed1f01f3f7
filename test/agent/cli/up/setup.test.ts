import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { EdgeAdmin } from "../../../../agent/cli/up/edge-admin.ts";
import { edgeAdmin } from "../../../../agent/cli/up/edge-admin.ts";
import { settleLocalHost } from "../../../../agent/cli/up/local-host.ts";
import { openSetup, pinOf, type SetupDeps, type SetupLink } from "../../../../agent/cli/up/setup.ts";
import { EdgeError } from "../../../../agent/shared/edge-error.ts";
import { openHostState, type HostState } from "../../../../agent/host/state.ts";
import { fromBase64url } from "../../../../protocol/bytes.ts";
import { SETUP_SECONDS } from "../../../../protocol/limits.ts";
import type { SignedRoot } from "../../../../protocol/trust/statements.ts";
import { nonceOf, signerFromSeed } from "../../../fixtures/keys.ts";
import { makeRoot } from "../../../fixtures/workspace.ts";

let directory: string;
let state: HostState;
let now: number;
let root: SignedRoot | undefined;
let offered: { setupKey: string; expires: number }[];
let links: { link: SetupLink; isFirst: boolean }[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "clawhold-setup-"));
  state = openHostState(directory);
  now = 1_800_000_000;
  root = undefined;
  offered = [];
  links = [];
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const admin: EdgeAdmin = {
  root: () => Promise.resolve(root),
  offerSetup: (setupKey, expires) => {
    offered.push({ setupKey, expires });
    return Promise.resolve();
  },
  joinToken: () => Promise.resolve(nonceOf("token")),
  browserCertificate: () => Promise.resolve(),
};

function deps(change: Partial<SetupDeps> = {}): SetupDeps {
  return {
    admin,
    state,
    origin: "http://clawhold.localhost:4470",
    host: "h-self",
    now: () => now,
    onLink: (link, isFirst) => links.push({ link, isFirst }),
    isStopped: () => false,
    ...change,
  };
}

async function awaitRoot(given: SetupDeps): Promise<string | undefined> {
  return openSetup(given).awaitRoot();
}

/** A person uses the link: the page makes a root that the link's key signs. */
async function use(link: SetupLink): Promise<{ signed: SignedRoot; workspace: string }> {
  const seed = new URLSearchParams(new URL(link.url).hash.slice(1)).get("seed") ?? "";
  const setup = await signerFromSeed(fromBase64url(seed));
  return makeRoot((draft) => {
    draft.setup = setup;
  });
}

describe("the setup link", () => {
  it("is not offered where the agent belongs to another edge's workspace", async () => {
    state.saveHost({
      v: 1,
      edge: "wss://10.0.0.1:4471",
      workspace: nonceOf("elsewhere"),
      host: "h-self",
      label: "vps",
      colocated: false,
      gateway: { kind: "none" },
    });
    await expect(awaitRoot(deps())).rejects.toMatchObject({ code: "joined_elsewhere" });
    expect(offered).toEqual([]);
  });

  it("is said to nobody where it would be kept in a log, and made when somebody asks", async () => {
    let isStopped = false;
    const setup = openSetup(deps({ onLink: undefined, isStopped: () => isStopped }));
    const waiting = setup.awaitRoot();
    expect(offered).toEqual([]);
    const first = await setup.makeLink();
    const second = await setup.makeLink();
    expect(offered).toHaveLength(2);
    expect(second.url).not.toBe(first.url);
    const made = await use(second);
    root = made.signed;
    expect(await waiting).toBe(made.workspace);
    isStopped = true;
  });

  it("carries seed and host in the fragment; the edge learns the public half only", async () => {
    const waiting = awaitRoot(
      deps({
        onLink: (link, isFirst) => {
          links.push({ link, isFirst });
          void use(link).then((made) => (root = made.signed));
        },
      }),
    );
    const workspace = await waiting;
    const [first] = links;
    const url = new URL(first?.link.url ?? "");
    expect(url.pathname).toBe("/setup");
    expect(url.search).toBe("");
    expect(url.hash).toMatch(/^#seed=[A-Za-z0-9_-]{43}&host=h-self$/);
    expect(first?.link.expires).toBe(now + SETUP_SECONDS);
    const seed = new URLSearchParams(url.hash.slice(1)).get("seed") ?? "";
    expect(offered).toEqual([
      { setupKey: (await signerFromSeed(fromBase64url(seed))).publicKey, expires: now + SETUP_SECONDS },
    ]);
    expect(readFileSync(state.files.setup, "utf8")).not.toContain(seed);
    expect(workspace).toBe(await pinOf(root as unknown as SignedRoot, state));
  });

  it("is replaced by a new one when nobody used it", async () => {
    let round = 0;
    const stop = (): boolean => {
      round += 1;
      if (round === 2) now += SETUP_SECONDS; // the first link ends unused
      return round > 3;
    };
    expect(await awaitRoot(deps({ isStopped: stop }))).toBeUndefined();
    expect(links.map(({ isFirst }) => isFirst)).toEqual([true, false]);
    expect(links[0]?.link.url).not.toBe(links[1]?.link.url);
    expect(offered).toHaveLength(2);
  });
});

describe("the pin", () => {
  it("is the root that an own setup key signed, also one of an earlier start", async () => {
    await awaitRoot(deps({ isStopped: () => links.length > 0 }));
    const [first] = links;
    if (first === undefined) throw new Error("no link");
    const made = await use(first.link);
    // A crash: another process over the same files, which knows the public half only.
    expect(await pinOf(made.signed, openHostState(directory))).toBe(made.workspace);
  });

  it("is not a root that an earlier, ended link signed", async () => {
    for (let made = 1; made <= 3; made += 1) await awaitRoot(deps({ isStopped: () => links.length === made }));
    const roots = await Promise.all(links.map(({ link }) => use(link)));
    const [first, second, third] = await Promise.all(
      roots.map(({ signed }) => pinOf(signed, state).catch((error: unknown) => (error as { code?: string }).code)),
    );
    expect([first, second, third]).toEqual(["root_foreign", roots[1]?.workspace, roots[2]?.workspace]);
  });

  it("is never taken from the edge's word", async () => {
    const foreign = await makeRoot();
    await expect(pinOf(foreign.signed, state)).rejects.toMatchObject({ code: "root_foreign", exit: 4 });
    root = foreign.signed;
    state.saveSetupKeys([nonceOf("own")]);
    await expect(awaitRoot(deps())).rejects.toMatchObject({ code: "root_foreign" });
  });
});

describe("this machine's own host", () => {
  it("stays with its workspace", async () => {
    state.saveHost({
      v: 1,
      edge: "wss://127.0.0.1:1",
      workspace: nonceOf("mine"),
      host: "h-self",
      label: "x",
      colocated: true,
      gateway: { kind: "none" },
    });
    const settle = settleLocalHost(
      nonceOf("other"),
      { kind: "none" },
      { state, admin, agentEndpoint: "wss://127.0.0.1:1", edgeAuthority: "", hostname: "x", now: () => now },
    );
    await expect(settle).rejects.toMatchObject({ code: "joined_elsewhere" });
  });

  it("forgets its setup keys when told to", () => {
    state.saveSetupKeys([nonceOf("one")]);
    state.saveSetupKeys([]);
    expect(existsSync(state.files.setup)).toBe(false);
    expect(state.setupKeys()).toEqual([]);
  });
});

describe("the edge's answers", () => {
  it("are parsed, and absence is no failure", async () => {
    const notYet = edgeAdmin(() => Promise.resolve({}));
    expect(await notYet.root()).toBeUndefined();
    const failing = edgeAdmin(() =>
      Promise.reject(new EdgeError("admin_failed", "The local edge answered /admin/workspace with 500 (internal).")),
    );
    await expect(failing.root()).rejects.toMatchObject({ code: "admin_failed" });
    for (const answer of [
      undefined,
      { token: "short" },
      { token: nonceOf("alone") },
      { signedRoot: {} },
      { signedRoots: [] },
    ]) {
      const odd = edgeAdmin(() => Promise.resolve(answer));
      await expect(odd.joinToken()).rejects.toMatchObject({ code: "edge_answer" });
      await expect(odd.root()).rejects.toMatchObject({ code: "edge_answer" });
    }
  });
});
