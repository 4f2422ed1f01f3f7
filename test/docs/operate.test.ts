/** Commands, flags, states and error codes that documents name, against the program. */
import { describe, expect, it } from "vitest";
import { commands as ofTheProgram } from "../../agent/cli/cli.ts";
import { installedCommands } from "../../agent/cli/installed.ts";
import { gatewayStates } from "../../protocol/telemetry.ts";
import { codesOf } from "./errors.ts";
import { codeSpans, column, plain, tableUnder, tables } from "./markdown.ts";
import { filesBelow, read } from "./source.ts";

const operate = read("docs/OPERATE.md");
const documents = ["README.md", "SECURITY.md", ...filesBelow("docs", ".md")];
/** Named as things that do not exist yet. */
const FUTURE: ReadonlySet<string> = new Set();

const commands = [...ofTheProgram, ...installedCommands];
const names = commands.map(({ name }) => name);

/** Code spans and shell lines that start a command of ours. */
function typed(path: string): readonly string[] {
  const text = read(path);
  const blocks = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap((match) => (match[1] ?? "").split("\n"));
  const lines = [...codeSpans(text), ...blocks].flatMap((line) => line.split("|")).map((line) => line.trim());
  return lines.filter((line) => /^(ssh \S+ )?clawhold [a-z-]/.test(line)).map((line) => line.replace(/^ssh \S+ /, ""));
}

describe("commands in documents", () => {
  it.each(documents)("%s names commands that exist, with options that they take", (path) => {
    const wrong = typed(path).filter((line) => {
      if (FUTURE.has(line) || line === "clawhold --version") return false;
      const words = line.split(/\s+/).slice(1);
      const named = (length: number) => commands.find(({ name }) => name === words.slice(0, length).join(" "));
      const command = named(2) ?? named(1);
      if (command === undefined) return true;
      const options = words.filter((word) => word.startsWith("--")).map((word) => word.slice(2).split("=")[0] ?? "");
      return options.some((option) => !(option in command.options) && !["json", "help"].includes(option));
    });
    expect(wrong).toEqual([]);
  });

  it("what is said not to exist yet does not exist", () => {
    expect(names.filter((name) => FUTURE.has(`clawhold ${name}`))).toEqual([]);
  });

  it("the README's flags are those of `up`", () => {
    const up = commands.find(({ name }) => name === "up");
    const flags = tables(read("README.md")).find(({ header }) => header[0] === "flag");
    const listed = (flags?.rows ?? []).map((row) => (plain(row[0] ?? "").split(" ")[0] ?? "").slice(2));
    expect(listed.toSorted()).toEqual([...Object.keys(up?.options ?? {}), "json"].toSorted());
  });

  it("the README's ports are the defaults", () => {
    const source = filesBelow("agent/cli/up", ".ts").map(read).join("\n");
    const ports = [...source.matchAll(/const DEFAULT_(?:AGENT_)?PORT = ([0-9_]+)/g)].map((m) =>
      (m[1] ?? "").replace("_", ""),
    );
    expect(ports).toHaveLength(2);
    const readme = read("README.md");
    expect(ports.filter((port) => !readme.includes(`, ${port} |`))).toEqual([]);
  });
});

describe("docs/OPERATE.md", () => {
  it("explains every state of a gateway", () => {
    expect(column(tableUnder(operate, "Gateway states"), "state")).toEqual(gatewayStates);
  });

  const unions: readonly (readonly [string, string])[] = [
    ["agent/shared/edge-error.ts", "EdgeErrorCode"],
    ["agent/host/demo/trouble.ts", "DemoTrouble"],
    ["agent/host/host-error.ts", "HostErrorCode"],
    ["agent/install/install-error.ts", "InstallErrorCode"],
    ["agent/signer/signer-error.ts", "SignerErrorCode"],
    ["agent/automation/trouble.ts", "AutomationErrorCode"],
  ];
  it.each(unions)("%s: every code of %s can be found", (path, type) => {
    const spans = new Set(codeSpans(operate));
    expect(codesOf(path, type).filter((code) => !spans.has(code) && !operate.includes(`| \`${code}`))).toEqual([]);
  });

  it("lists sentences that end, and none twice in a table", () => {
    const lists = tables(operate).filter(({ header }) => header.includes("what it says"));
    expect(lists.length).toBeGreaterThan(8);
    for (const table of lists) {
      const rows = table.rows.map((row) => row.join(" "));
      expect(new Set(rows).size).toBe(rows.length);
      expect(column(table, "what it says").filter((text) => text.length < 15)).toEqual([]);
    }
  });
});
