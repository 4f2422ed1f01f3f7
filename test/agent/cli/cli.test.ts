import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { commands } from "../../../agent/cli/cli.ts";
import { acquireLock } from "../../../agent/shared/lock.ts";
import { run } from "./terminal.ts";

let directory: string;
let data: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "clawhold-cli-"));
  data = join(directory, "data");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("help", () => {
  it("lists every command, and only commands that exist", async () => {
    const { exit, out } = await run(["--help"]);
    expect(exit).toBe(0);
    const listed = out.flatMap((line) => /^ {2}([a-z]+(?: [a-z-]+)?) {2,}\S/.exec(line)?.[1] ?? []);
    expect(listed).toEqual(commands.map((command) => command.name));
  });

  it.each(commands.map((command) => [command.name, command] as const))(
    "%s --help names every option",
    async (name, command) => {
      const { exit, out } = await run([...name.split(" "), "--help"]);
      expect(exit).toBe(0);
      expect(out[0]).toContain(`Usage: clawhold ${name}`);
      for (const option of [...Object.keys(command.options), "json"])
        expect(out.join("\n"), option).toContain(`--${option}`);
      for (const line of out) expect(line.length, line).toBeLessThanOrEqual(120);
    },
  );

  it("of half a command of two words lists the whole ones", async () => {
    const { exit, out } = await run(["trust", "--help"]);
    const group = commands.filter(({ name }) => name.startsWith("trust "));
    expect({ exit, listed: out.flatMap((line) => /^ {2}(trust [a-z]+) /.exec(line)?.[1] ?? []) }).toEqual({
      exit: 0,
      listed: group.map(({ name }) => name),
    });
  });

  it("is shown, with exit code 2, when nothing was typed", async () => {
    const { exit, out } = await run([]);
    expect(exit).toBe(2);
    expect(out[0]).toContain("Clawhold");
  });

  it("knows its version", async () => {
    expect(await run(["--version"])).toEqual({ exit: 0, out: ["0.0.0-test"], err: [] });
  });
});

describe("what is not understood: one sentence, exit code 2", () => {
  it.each([
    [["upp"]],
    [["host"]],
    [["host", "fly"]],
    [["up", "--colour"]],
    [["up", "now"]],
    [["up", "--port"]],
    [["up", "--port", "99999"]],
    [["up", "--port", "x"]],
    [["up", "--agent-port", "-1"]],
    [["up", "--data", ""]],
    [["verify"]],
    [["verify", "one", "two"]],
    [["verify", "/nowhere/at/all"]],
    [["join", "--file", "/nowhere/at/all"]],
    [["join", "--gateway", "ws://10.0.0.1:18789"]],
    [["join", "--gateway", "https://127.0.0.1:1"]],
    [["join", "--label", " spaces "]],
    [["join", "--label", "x".repeat(65)]],
    [["join", "--label", "a\u202eb"]],
  ])("clawhold %j", async (argv) => {
    const { exit, out, err } = await run(argv, { homeDirectory: directory });
    expect(exit).toBe(2);
    expect(out).toEqual([]);
    expect(err).toHaveLength(1);
    expect(err[0]).toMatch(/\.( Type clawhold .*|.*: clawhold .*)?$/);
  });

  it("names the other halves of a command of two words", async () => {
    expect((await run(["host"])).err[0]).toContain(
      "clawhold host run, clawhold host words, clawhold host add, clawhold host invite",
    );
  });

  it("is an object with --json", async () => {
    const { exit, out } = await run(["up", "--colour", "--json"]);
    expect(exit).toBe(2);
    expect(JSON.parse(out[0] ?? "")).toMatchObject({ event: "error", code: "usage" });
  });

  it("never echoes control characters", async () => {
    const { err } = await run(["\u001b[2Jup"]);
    expect(err.join("")).not.toContain("\u001b");
  });

  it("takes no token on the command line", async () => {
    for (const argv of [
      ["join", "--token", "secret"],
      ["join", "secret"],
    ]) {
      const { exit, err } = await run(argv);
      expect(exit).toBe(2);
      expect(err.join("")).toContain("clawhold join --help");
    }
  });
});

describe("before anything was joined", () => {
  it.each([[["status"]], [["host", "words"]], [["host", "run"]], [["host", "invite"]], [["doctor"]]])(
    "%j says so, exit code 3",
    async (argv) => {
      const { exit, err } = await run([...argv, "--data", data]);
      expect(exit).toBe(3);
      expect(err.join(" ")).toMatch(/clawhold (up|join)/);
    },
  );

  it("join refuses what is no join file", async () => {
    const { exit, err } = await run(["join", "--data", data], {
      readInput: () => Promise.resolve(new TextEncoder().encode("hello\n")),
    });
    expect(exit).toBe(2);
    expect(err[0]).toContain("not a join file");
  });

  it("join reads a file, and refuses a giant one", async () => {
    const file = join(directory, "join.json");
    writeFileSync(file, "x".repeat(10_000));
    expect((await run(["join", "--data", data, "--file", file])).err[0]).toContain("too large");
  });
});

describe("the data directory", () => {
  it("follows XDG_DATA_HOME, unless that is relative", async () => {
    const { err } = await run(["status"], { environment: { XDG_DATA_HOME: join(directory, "xdg") } });
    expect(err[0]).toContain(join(directory, "xdg", "clawhold"));
    const relative = await run(["status"], { environment: { XDG_DATA_HOME: "xdg" }, homeDirectory: "/home/somebody" });
    expect(relative.err[0]).toContain("/home/somebody/.local/share/clawhold");
  });

  it("that somebody holds: up and join say who", async () => {
    mkdirSync(data, { mode: 0o700 });
    writeFileSync(join(data, "version"), "1\n");
    const lock = acquireLock(join(data, "lock"), () => new Date());
    writeFileSync(join(directory, "migrations.json"), "[]");
    const bundle = {
      agent: "/nowhere",
      worker: "/nowhere",
      web: directory,
      migrations: join(directory, "migrations.json"),
      release: join(directory, "install"),
    };
    for (const argv of [["up"], ["join"]]) {
      const { exit, err } = await run([...argv, "--data", data], { bundle });
      expect(exit).toBe(1);
      expect(err[0]).toContain(`in use by process ${String(process.pid)}`);
    }
    const { out } = await run(["join", "--data", data, "--json"]);
    expect(JSON.parse(out[0] ?? "")).toMatchObject({
      code: "locked",
      holder: { pid: process.pid, since: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) },
    });
    lock.release();
  });

  it("of a newer version is left alone", async () => {
    mkdirSync(data, { mode: 0o700 });
    writeFileSync(join(data, "version"), "999\n");
    const { exit, err } = await run(["join", "--data", data], { readInput: () => Promise.resolve(new Uint8Array()) });
    expect(exit).toBe(1);
    expect(err[0]).toContain("newer Clawhold");
    expect(readFileSync(join(data, "version"), "utf8")).toBe("999\n");
  });
});

it("up without a build says what to do", async () => {
  const { exit, err } = await run(["up", "--data", data]);
  expect(exit).toBe(1);
  expect(err[0]).toContain("npm start");
});

it("a mistake of ours is not dressed up as a sentence", async () => {
  const broken = (): never => {
    throw new TypeError("ours");
  };
  await expect(run(["join", "--data", data], { readInput: broken })).rejects.toThrow("ours");
});
