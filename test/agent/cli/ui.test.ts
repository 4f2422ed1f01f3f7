/** `clawhold ui` as it is typed: what it refuses, what it says, what it leaves behind. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCli } from "../../../agent/cli/cli.ts";
import type { CliIo, ExitCode } from "../../../agent/cli/io.ts";
import { MEMORY_PATH } from "../../../protocol/signer-memory.ts";
import { acquireLock } from "../../../agent/shared/lock.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { ask, eventually, writeWebBundle } from "../edge/fixtures/harness.ts";
import { reply, startHostileEdge, type HostileEdge } from "../signer/fixtures/hostile-edge.ts";
import { run, terminal } from "./terminal.ts";

const WORKSPACE = nonceOf("workspace");

let directory: string;
let data: string;
let web: string;
let edge: HostileEdge;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "clawhold-ui-"));
  data = join(directory, "data");
  web = writeWebBundle(directory);
  edge = await startHostileEdge();
});
afterEach(async () => {
  await edge.stop();
  rmSync(directory, { recursive: true, force: true });
});

interface Running {
  readonly events: () => readonly Record<string, unknown>[];
  readonly out: readonly string[];
  readonly err: readonly string[];
  readonly port: () => number;
  stop(): Promise<ExitCode>;
}

async function start(argv: readonly string[], change: Partial<CliIo> = {}): Promise<Running> {
  let stop: () => void = () => undefined;
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const bundle = { agent: "/nowhere", worker: "/nowhere", web, migrations: "/nowhere", release: "/nowhere" };
  const { io, out, err } = terminal({ stopped, bundle, ...change });
  const ended = runCli(["ui", "--data", data, "--port", "0", ...argv], io);
  const events = () =>
    out.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as Record<string, unknown>);
  const url = () => out.join("\n").match(/http:\/\/clawhold[.]localhost:(\d+)/)?.[1];
  await Promise.race([eventually(() => url() !== undefined), ended]);
  return {
    events,
    out,
    err,
    port: () => Number(url()),
    stop: () => {
      stop();
      return ended;
    },
  };
}

const toEdge = () => ["--edge", `http://127.0.0.1:${edge.port}`];

describe("clawhold ui", () => {
  it("serves the dashboard, says where, forwards to the edge, and ends when asked", async () => {
    const ui = await start([...toEdge(), "--workspace", WORKSPACE, "--json"]);
    await eventually(() => ui.events().some(({ event }) => event === "edge"));
    const [ready, probe] = ui.events();
    expect(ready).toEqual({
      event: "ready",
      url: `http://clawhold.localhost:${ui.port()}`,
      edge: `http://127.0.0.1:${edge.port}`,
      workspace: WORKSPACE,
      memory: join(data, "signer", `${WORKSPACE}.json`),
    });
    expect(probe).toMatchObject({ event: "edge", state: "ok" });
    expect((await ask({ port: ui.port(), path: "/" })).text).toContain("Dashboard");
    expect((await ask({ port: ui.port(), path: "/", address: "::1" })).status).toBe(200);
    expect((await ask({ port: ui.port(), path: "/api/health" })).text).toBe('{"ok":true}');
    expect(await ui.stop()).toBe(0);
    expect(ui.events().at(-1)).toEqual({ event: "stopping" });
    await expect(ask({ port: ui.port(), path: "/" })).rejects.toThrow("ECONNREFUSED");
  });

  it("tells people the same in a few lines, and opens no browser where nobody sits", async () => {
    const ui = await start([...toEdge(), "--workspace", WORKSPACE]);
    for (const word of ["Signer", "Edge", "Workspace", WORKSPACE, "Remembers", "Press Ctrl-C to stop."])
      expect(ui.out.join("\n")).toContain(word);
    expect(await ui.stop()).toBe(0);
    expect(ui.err).toEqual([]);
  });

  it("remembers the workspace; the next time nothing has to be typed", async () => {
    await (await start([...toEdge(), "--workspace", WORKSPACE])).stop();
    const path = join(data, "signer", `${WORKSPACE}.json`);
    expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({ workspace: WORKSPACE });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(data, "signer")).mode & 0o777).toBe(0o700);
    const again = await start(["--json"]);
    expect(again.events()[0]).toMatchObject({ event: "ready", workspace: WORKSPACE });
    await again.stop();
  });

  it("works beside an edge that holds the same data directory", async () => {
    await (await start([...toEdge(), "--workspace", WORKSPACE])).stop();
    const lock = acquireLock(join(data, "lock"), () => new Date());
    const ui = await start([]);
    expect(ui.port()).toBeGreaterThan(0);
    await ui.stop();
    lock.release();
  });

  it("asks a person for the workspace, and nobody else", async () => {
    const questions: string[] = [];
    const typed = (question: string) => {
      questions.push(question);
      return Promise.resolve(WORKSPACE);
    };
    edge.answers(() => reply([], JSON.stringify({ workspace: nonceOf("of the edge") })));
    const ui = await start(toEdge(), { ask: typed });
    expect(questions).toHaveLength(1);
    expect(ui.out.join("\n")).toContain(WORKSPACE);
    await ui.stop();
  });

  it.each([
    ["answers something else", () => reply(["content-type: text/html"], "<h1>"), "edge_foreign"],
    ["has another name", () => reply([], "{}", "421 No"), "edge_name"],
    ["leads elsewhere", () => reply(["location: https://x.example/"], "", "302 Found"), "edge_redirected"],
  ])("says at the start that the edge %s", async (_what, answer, code) => {
    edge.answers(answer);
    const ui = await start([...toEdge(), "--workspace", WORKSPACE, "--json"]);
    await eventually(() => ui.events().some(({ event }) => event === "edge"));
    expect(ui.events()[1]).toMatchObject({ state: "problem", code });
    await ui.stop();
  });
});

describe("clawhold ui --setup", () => {
  const bring = (port: number, n: number, workspace = WORKSPACE) =>
    ask({
      port,
      path: MEMORY_PATH,
      method: "POST",
      headers: {
        "clawhold-memory": "1",
        "sec-fetch-dest": "empty",
        origin: `http://clawhold.localhost:${port}`,
      },
      body: JSON.stringify({ workspace, head: { n, hash: workspace, revoked: nonceOf("none") } }),
    });

  it("remembers the workspace whose root its page made, and says which", async () => {
    const ui = await start([...toEdge(), "--setup", "--json"]);
    expect(ui.events()[0]).toEqual({
      event: "ready",
      url: `http://clawhold.localhost:${ui.port()}`,
      edge: `http://127.0.0.1:${edge.port}`,
    });
    const asked = await ask({
      port: ui.port(),
      path: MEMORY_PATH,
      headers: { "clawhold-memory": "1", "sec-fetch-dest": "empty" },
    });
    // Its page learns from this that a pin is its to give.
    expect(JSON.parse(asked.text)).toEqual({ edge: `http://127.0.0.1:${edge.port}` });
    expect((await bring(ui.port(), 1)).status).toBe(409);
    expect(readdirSync(join(data, "signer"))).toEqual([]);
    expect((await bring(ui.port(), 0)).status).toBe(200);
    expect(ui.events()).toContainEqual({
      event: "founded",
      workspace: WORKSPACE,
      memory: join(data, "signer", `${WORKSPACE}.json`),
    });
    expect((await bring(ui.port(), 0, nonceOf("second"))).status).toBe(409);
    expect(readdirSync(join(data, "signer"))).not.toContain(`${nonceOf("second")}.json`);
    await ui.stop();
    const again = await start(["--json"]);
    expect(again.events()[0]).toMatchObject({ event: "ready", workspace: WORKSPACE });
    await again.stop();
  });

  it("tells people to open the link", async () => {
    const ui = await start([...toEdge(), "--setup"]);
    expect(ui.out.join("\n")).toContain(`It begins with http://clawhold.localhost:${ui.port()}/setup`);
    await ui.stop();
  });

  it("is the only way to a first pin: a signer with a workspace takes none from a page", async () => {
    const ui = await start([...toEdge(), "--workspace", nonceOf("typed")]);
    expect((await bring(ui.port(), 0)).status).toBe(409);
    await ui.stop();
  });
});

describe("what clawhold ui refuses", () => {
  const refused = async (argv: readonly string[], change: Partial<CliIo> = {}) => {
    const { exit, out } = await run(["ui", "--data", data, "--port", "0", "--json", ...argv], {
      bundle: { agent: "/nowhere", worker: "/nowhere", web, migrations: "/nowhere", release: "/nowhere" },
      ...change,
    });
    return [exit, (JSON.parse(out[0] ?? "") as { code: string }).code];
  };

  it("an edge without a workspace, or no edge at all", async () => {
    expect(await refused(toEdge())).toEqual([2, "workspace_unknown"]);
    expect(await refused([])).toEqual([2, "edge_ambiguous"]);
    expect(await refused([...toEdge(), "--workspace", "x"])).toEqual([2, "workspace_unknown"]);
  });

  it("to found a workspace beside one that is named, or nowhere", async () => {
    expect(await refused([...toEdge(), "--setup", "--workspace", WORKSPACE])).toEqual([2, "edge_ambiguous"]);
    expect(await refused(["--setup"])).toEqual([2, "edge_ambiguous"]);
  });

  it("plain http to another machine", async () => {
    expect(await refused(["--edge", "http://edge.example", "--workspace", WORKSPACE])).toEqual([2, "edge_address"]);
  });

  it("a token that others could read, and one that would leave without encryption", async () => {
    const path = join(directory, "token");
    writeFileSync(path, JSON.stringify({ clientId: "a", clientSecret: "b" }));
    chmodSync(path, 0o644);
    const https = ["--edge", "https://edge.example", "--workspace", WORKSPACE, "--access-token-file", path];
    expect(await refused(https)).toEqual([4, "token_exposed"]);
    chmodSync(path, 0o600);
    expect(await refused([...toEdge(), "--workspace", WORKSPACE, "--access-token-file", path])).toEqual([
      2,
      "token_unusable",
    ]);
  });

  it("authorities that are none", async () => {
    const argv = ["--edge", "https://edge.example", "--workspace", WORKSPACE, "--ca", join(directory, "absent")];
    expect(await refused(argv)).toEqual([2, "authority_unusable"]);
  });

  it("a directory that is somebody else's", async () => {
    mkdirSync(data);
    writeFileSync(join(data, "letter.txt"), "x");
    expect(await refused([...toEdge(), "--workspace", WORKSPACE])).toEqual([1, "data_foreign"]);
    expect(readdirSync(data)).toEqual(["letter.txt"]);
  });

  it("a memory that others could have changed", async () => {
    await (await start([...toEdge(), "--workspace", WORKSPACE])).stop();
    chmodSync(join(data, "signer", `${WORKSPACE}.json`), 0o664);
    expect(await refused([])).toEqual([4, "memory_exposed"]);
  });

  it.each(["127.0.0.1", "::1"])("a port that somebody holds on %s, before it prints an address", async (host) => {
    const squatter: Server = createServer();
    await new Promise<void>((resolve) => squatter.listen({ port: 0, host, ipv6Only: true }, resolve));
    const address = squatter.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const { exit, out } = await run(
      ["ui", "--data", data, "--json", ...toEdge(), "--workspace", WORKSPACE, "--port", String(port)],
      { bundle: { agent: "/nowhere", worker: "/nowhere", web, migrations: "/nowhere", release: "/nowhere" } },
    );
    squatter.close();
    expect(exit).toBe(1);
    expect(out.map((line) => (JSON.parse(line) as { code?: string }).code)).toEqual(["port_taken"]);
    const again = await start([...toEdge(), "--workspace", WORKSPACE]);
    expect(await again.stop()).toBe(0);
  });
});
