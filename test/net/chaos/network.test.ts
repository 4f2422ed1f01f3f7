/** The router does to a line what it is told, and nothing else. Needs root. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ensure, namespaces } from "../../tasks/debian.ts";
import { namespaceOf, Network, PYTHON } from "./network.ts";
import { Program } from "./program.ts";

const FAR = { name: "far", address: "10.77.0.1" };
const PORT = 4_000;
const MANY_BYTES = 400_000;
const ECHO = path.join(import.meta.dirname, "echo.ts");

const missing = namespaces() ?? ensure(PYTHON);

describe.skipIf(missing !== undefined)("the router between machines", () => {
  let network: Network;
  let server: Program;

  beforeAll(async () => {
    const places = [
      FAR,
      { name: "near", address: "10.77.1.1", nat: "10.78.1." },
      { name: "shut", address: "10.77.2.1", nat: "10.78.2.", only: "near" },
    ];
    const directory = mkdtempSync(path.join(tmpdir(), "clawhold-chaos-"));
    network = await Network.create({ places, seed: 1, directory });
    server = echo(FAR.name, "serve");
    await server.mustSay((said) => said["event"] === "ready");
  });

  afterAll(async () => {
    await server?.end("SIGKILL");
    await network?.remove();
  });

  function echo(name: string, mode: "serve" | "dial"): Program {
    return new Program({
      namespace: namespaceOf(name),
      program: process.execPath,
      parameters: ["--no-warnings", ECHO, mode, FAR.address, String(PORT)],
    });
  }

  async function dialled(): Promise<Program> {
    const client = echo("near", "dial");
    await client.mustSay((said) => said["event"] === "connected");
    return client;
  }

  async function carry(client: Program, bytes: number): Promise<void> {
    const from = client.said.length;
    client.tell(String(bytes));
    expect(await client.mustSay((said) => said["event"] === "back", from)).toMatchObject({ isSame: true });
  }

  it("carries every byte over a line that loses, delays, reorders and doubles, and counts what it did", async () => {
    const client = await dialled();
    const { lost, delayed, reordered, doubled } = await network.counts();
    expect([lost, delayed, reordered, doubled]).toEqual([0, 0, 0, 0]);
    network.set("near", { loss: 0.03, delay: 2, jitter: 1, reorder: 0.1, duplicate: 0.2 });
    await carry(client, MANY_BYTES);
    const after = await network.counts();
    for (const kind of ["lost", "delayed", "reordered", "doubled"]) expect(after[kind]).toBeGreaterThan(0);
    network.set("near");
    await client.end("SIGKILL");
  });

  it.each([{ cutOut: true }, { cutIn: true }, { cutOut: true, cutIn: true }])(
    "lets nothing through a line that is cut (%o), and the connection goes on when it is whole again",
    async (cut) => {
      const client = await dialled();
      const before = await network.counts();
      network.set("near", cut);
      const from = client.said.length;
      client.tell("10");
      while ((await network.counts())["cut"] === before["cut"]) continue;
      expect(client.said.slice(from)).toEqual([]);
      network.set("near");
      expect(await client.mustSay((said) => said["event"] === "back", from)).toMatchObject({ isSame: true });
      await client.end("SIGKILL");
    },
  );

  it("hides a machine behind an address, and behind another one once it forgot", async () => {
    const from = server.said.length;
    const client = await dialled();
    network.rebind("near");
    client.tell("10");
    expect(await client.mustSay((said) => said["event"] === "over")).toMatchObject({ code: "ECONNRESET" });
    const second = await dialled();
    await carry(second, 10);
    const seen = server.said.slice(from).map((said) => String(said["from"]));
    expect(seen).toHaveLength(2);
    expect(new Set(seen).size).toBe(2);
    for (const address of seen) expect(address).toMatch(/^10\.78\.1\.\d+$/);
    await client.end("SIGKILL");
    await second.end("SIGKILL");
  });

  it("lets a machine reach nobody but the one that it may", async () => {
    const before = await network.counts();
    const client = echo("shut", "dial");
    while ((await network.counts())["homeless"] === before["homeless"]) continue;
    expect(client.said).toEqual([]);
    await client.end("SIGKILL");
  });
});
