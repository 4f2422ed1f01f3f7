/**
 * What a person at a terminal reads when something is in the way, from the built program itself. Each sentence says
 * what happened, why, and the next step. Refusals that are also tested elsewhere:
 *
 * | fault | also in |
 * | --- | --- |
 * | port taken, address of another machine, port of root | test/agent/edge/runtime.test.ts, listen.test.ts |
 * | data directory locked, newer, foreign, open to others | test/agent/edge/data-directory.test.ts, lock.test.ts |
 * | join file, tokens, fingerprint, unreachable edge | test/agent/host/join.test.ts, test/worker/join.test.ts |
 * | setup links at the edge | test/worker/setup.test.ts |
 * | damaged journal, trust log, keys, deny list | test/agent/host/warden/*.test.ts |
 * | pages | test/e2e/faults-page.test.ts, faults-gateway.test.ts |
 * | certificates, a second machine, clocks | test/e2e/faults-host.test.ts |
 * | full disks of a running edge and host | test/e2e/faults-gateway.test.ts |
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectPlain } from "./faults/plain.ts";
import { clawhold, type Ended } from "./faults/program.ts";
import { smallDisk } from "./faults/small-disk.ts";
import { invite, sql, startTown, type Town } from "./faults/town.ts";
import { temporaryDirectory } from "./installation.ts";

const PORT = 24_700;
const OTHER = 24_710;

let town: Town;
const place = temporaryDirectory("faults-terminal");
const at = (name: string): string => path.join(place.path, name);

beforeAll(async () => {
  town = await startTown({ port: PORT });
});

afterAll(async () => {
  await town?.stop();
  place.remove();
});

function up(name: string, ports: { readonly port: number; readonly agentPort: number }): Promise<Ended> {
  const { port, agentPort } = ports;
  return clawhold([
    "up",
    "--gateway",
    "none",
    "--data",
    at(name),
    "--port",
    String(port),
    "--agent-port",
    String(agentPort),
  ]);
}

function take(port: number, host: string): Promise<Server> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen({ port, host, ipv6Only: true }, () => resolve(server));
  });
}

describe("up", () => {
  it.each([
    ["127.0.0.1", "--port"],
    ["::1", "--port"],
    ["127.0.0.1", "--agent-port"],
  ])("says that the port is taken at %s and which flag chooses another: %s", async (host, flag) => {
    const squatter = await take(OTHER, host);
    const ports = { port: OTHER, agentPort: OTHER + 1 };
    const swapped = { port: OTHER + 1, agentPort: OTHER };
    const { code, out, err } = await up("taken", flag === "--port" ? ports : swapped);
    await new Promise((resolve) => squatter.close(resolve));
    const shown = host === "::1" ? "[::1]" : host;
    expect(err.trim()).toBe(
      `${shown}:${OTHER} is taken by another program, which could answer in our name. See which one with ss -ltnp 'sport = :${OTHER}', then stop it or choose another port with ${flag}.`,
    );
    expect({ code, out }).toEqual({ code: 1, out: "" });
  });

  it("says which process holds the data directory, since when, and how to stop it", async () => {
    const { code, err } = await clawhold(["up", "--gateway", "none", "--data", town.dataDir, "--port", String(OTHER)]);
    expectPlain(err);
    expect(err).toContain(`is in use by process ${town.up.child.pid}, since 20`);
    expect(err).toContain(`Stop it with: kill ${town.up.child.pid}, or choose another directory with --data.`);
    expect(code).toBe(1);
  });

  it("changes nothing in a directory of a newer version", async () => {
    mkdirSync(at("newer"), { mode: 0o700 });
    writeFileSync(path.join(at("newer"), "version"), "99\n", { mode: 0o600 });
    const { code, err } = await up("newer", { port: OTHER, agentPort: OTHER + 1 });
    expectPlain(err);
    expect(err).toContain(
      "was written by a newer Clawhold (data version 99; this program knows 1). Nothing was changed.",
    );
    expect(err).toContain("Start the newer version again, or choose another directory with --data.");
    expect(code).toBe(1);
  });

  it("says that the disk is full, instead of where in the program it noticed", async ({ skip }) => {
    const disk = smallDisk(1);
    if (disk === undefined) return skip("needs root, to mount a small disk");
    try {
      mkdirSync(path.join(disk.path, "data"), { mode: 0o700 });
      disk.fill();
      const { code, err } = await clawhold([
        "up",
        "--gateway",
        "none",
        "--data",
        path.join(disk.path, "data"),
        "--port",
        String(OTHER),
      ]);
      expect(err.trim()).toBe(
        "The disk is full. Free some space, then type this again. Nothing that was stored before is lost.",
      );
      expect(code).toBe(1);
    } finally {
      disk.remove();
    }
  });
});

describe("a machine that has not joined", () => {
  it.each([["host", "run"], ["host", "words"], ["doctor"]])(
    "is told so by %s %s, which leaves nothing behind",
    async (...words) => {
      const { code, err } = await clawhold([...words.filter((word) => word !== undefined), "--data", at("unjoined")]);
      expectPlain(err);
      expect(err).toContain("This host has not joined a workspace yet");
      expect(err).toContain("Get a join file from whoever runs the edge, then type: clawhold join --file <join file>");
      expect(code).toBe(3);
      expect(existsSync(at("unjoined"))).toBe(false);
    },
  );

  it("cannot invite others", async () => {
    const { code, err } = await clawhold(["host", "invite", "--data", at("unjoined")]);
    expect(err.trim()).toBe(`No edge runs over ${at("unjoined")}. Start it with: clawhold up`);
    expect(code).toBe(3);
  });
});

describe("join", () => {
  const join = (name: string, input: string): Promise<Ended> =>
    clawhold(["join", "--data", at(name), "--gateway", "none"], { input });
  const edited = (file: string, change: Readonly<Record<string, unknown>>): string => {
    const sorted = Object.entries({ ...(JSON.parse(file) as object), ...change }).toSorted(([a], [b]) =>
      a < b ? -1 : 1,
    );
    return JSON.stringify(Object.fromEntries(sorted));
  };

  it("takes nothing that is no join file", async () => {
    const file = await invite(town);
    for (const damaged of ["", "junk\n", file.slice(0, 60), `${file.trim()} `, edited(file, { more: 1 })]) {
      const { code, err } = await join("damaged", damaged);
      expectPlain(err);
      expect(err).toContain(
        "That is not a join file. It is one line of JSON that the machine with the edge prints; give all of it",
      );
      expect(code).toBe(2);
    }
  });

  it("says what to check when the file cannot be read", async () => {
    const { code, err } = await clawhold(["join", "--file", at("nothing"), "--data", at("damaged")]);
    expectPlain(err);
    expect(err).toContain(`The join file ${at("nothing")} cannot be read (ENOENT). Check its name`);
    expect(code).toBe(2);
  });

  it("names a wrong, a used and an expired token", async () => {
    const file = await invite(town);
    const wrong = await join("token", edited(file, { token: "A".repeat(43) }));
    expect(wrong.err.trim()).toBe("The edge does not know this join token. Get a fresh join file and join again.");
    expect((await join("first", file)).code).toBe(0);
    const used = await join("token", file);
    expect(used.err.trim()).toBe(
      "This join token was used already; each is good for one host. Get a fresh join file and join again.",
    );
    const late = await invite(town);
    await sql(town.dataDir, "UPDATE join_tokens SET expires = expires - 901 WHERE used_at IS NULL");
    const expired = await join("token", late);
    expect(expired.err.trim()).toBe(
      "This join token has ended; it lasts 15 minutes. Get a fresh join file and join again.",
    );
    expect([wrong, used, expired].map(({ code }) => code)).toEqual([4, 4, 4]);
    expect(existsSync(path.join(at("token"), "host", "host.json"))).toBe(false);
  });

  it("says that nothing answers at the edge's address", async () => {
    const { code, err } = await join("away", edited(await invite(town), { edge: `wss://127.0.0.1:${OTHER}` }));
    expect(err.trim()).toBe(
      "Nothing answers at the edge's address. Start the edge; if it moved, join again with a fresh join file.",
    );
    expect(code).toBe(3);
  });

  it("sends nothing to a server that shows another authority than the file names", async () => {
    const file = await invite(town);
    const { code, err } = await join("foreign", edited(file, { edgeCa: "0".repeat(64) }));
    expectPlain(err);
    expect(err).toContain(
      "does not show the certificate authority that the join file names, so nothing was sent to it.",
    );
    expect(code).toBe(4);
    expect((await join("foreign", file)).code).toBe(0); // the token never left
  });

  it("shows no secret to who lists processes, and takes none that way", async () => {
    const file = await invite(town);
    const { token } = JSON.parse(file) as { token: string };
    const { visible, code } = await join("quiet", file);
    expect(code).toBe(0);
    expect(visible).toContain("join");
    expect(visible).not.toContain(token);
    const refused = await clawhold(["join", "--data", at("argv"), "--token", "not-a-secret"]);
    expect(refused.err).toContain("Unknown option '--token'. Type clawhold join --help for what it takes.");
    expect(refused.code).toBe(2);
  });

  it("says that a host belongs to one workspace for ever", async () => {
    const { code, err } = await join("first", edited(await invite(town), { workspace: "B".repeat(42) + "A" }));
    expectPlain(err);
    expect(err).toContain("This host already belongs to another workspace");
    expect(code).toBe(4);
  });
});
