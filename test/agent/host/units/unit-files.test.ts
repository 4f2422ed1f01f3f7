/** The units as systemd itself reads them: offline, on the version of this machine. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AGENT_FLAGS } from "../../../../agent/cli/up/agent-process.ts";
import { ENABLED_UNITS, hostLayout, UNITS } from "../../../../agent/host/units/layout.ts";
import { ownership } from "../../../../agent/host/units/ownership.ts";
import { unitFiles } from "../../../../agent/host/units/unit-files.ts";

const layout = hostLayout({ node: process.execPath });
const files = new Map(unitFiles(layout).map(({ path, content }) => [basename(path), content]));
const of = (name: string): string => files.get(name) ?? "";
const ANALYZE = "/usr/bin/systemd-analyze";

describe("the units of an installed host", () => {
  it("are all there, and nothing that is enabled is missing", () => {
    expect([...files.keys()].toSorted()).toEqual(Object.values(UNITS).toSorted());
    for (const name of ENABLED_UNITS) expect(of(name)).toContain("[Install]");
  });

  it("start the agent as everybody else does", () => {
    for (const name of [UNITS.link, UNITS.reader, UNITS.warden])
      expect(of(name)).toContain(`ExecStart=${process.execPath} ${AGENT_FLAGS.join(" ")} ${layout.agent} host `);
  });

  it("give the warden no network, and nobody a way to the host's keys", () => {
    expect(of(UNITS.warden)).toMatch(/^PrivateNetwork=yes$/m);
    expect(of(UNITS.warden)).toMatch(/^RestrictAddressFamilies=AF_UNIX$/m);
    for (const name of [UNITS.link, UNITS.reader]) {
      expect(of(name)).toMatch(/^CapabilityBoundingSet=$/m);
      expect(of(name)).toMatch(/^NoNewPrivileges=yes$/m);
      const hidden = /^InaccessiblePaths=(.*)$/m.exec(of(name))?.[1]?.split(" ");
      expect(hidden).toEqual(expect.arrayContaining([`-${layout.wardenState}`, `-${layout.gatewaySocket}`]));
    }
  });

  it("let the slow look make a network of a moment, under a file system that is read-only", () => {
    expect(of(UNITS.postureSlow)).toMatch(/^ProtectSystem=strict$/m);
    expect(of(UNITS.postureSlow)).toMatch(/^TemporaryFileSystem=\/run\/netns:mode=0755$/m);
  });

  it("open each socket to whom it is for", () => {
    const opened = (name: string): readonly (string | undefined)[] =>
      ["User", "Group", "Mode"].map((key) => new RegExp(`^Socket${key}=(.*)$`, "m").exec(of(name))?.[1]);
    expect(opened(UNITS.wardenSocket)).toEqual(["root", "clawhold", "0660"]);
    expect(opened(UNITS.doorSocket)).toEqual(["root", "root", "0600"]);
    expect(opened(UNITS.readerSocket)).toEqual(["root", "root", "0600"]);
    expect(opened(UNITS.telemetrySocket)).toEqual(["clawhold-reader", "clawhold", "0660"]);
    expect(opened(UNITS.gatewaySocket)).toEqual(["root", "root", "0600"]);
  });

  it("name no path without a dash that an installation does not make: systemd would not start the unit", () => {
    for (const content of files.values())
      for (const [, key = "", paths = ""] of content.matchAll(/^(\w*Paths)=(.*)$/gm))
        for (const path of paths.split(" "))
          if (!path.startsWith("-"))
            expect([layout.node, layout.linkState, layout.readerState, "/"], `${key}=${path}`).toContain(path);
  });

  it("keep every directory that holds a key to its one user", () => {
    const closed = ownership(layout).filter(({ mode }) => (mode & 0o077) === 0);
    expect(closed.map(({ path, owner }) => [basename(path), owner])).toEqual([
      ["warden", "root"],
      ["gateway", "root"],
      ["posture", "root"],
      ["link", "clawhold"],
      ["tls.json", "clawhold"],
      ["reader", "clawhold-reader"],
    ]);
  });
});

describe.skipIf(!existsSync(ANALYZE))("as systemd judges them", () => {
  let directory = "";
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "clawhold-units-"));
    for (const [name, content] of files) writeFileSync(join(directory, name), content);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it.each([UNITS.link, UNITS.reader, UNITS.warden, UNITS.gateway])("%s is exposed to 2.0 at most", (name) => {
    const { stdout, status } = spawnSync(
      ANALYZE,
      ["security", "--offline=true", "--threshold=20", "--no-pager", join(directory, name)],
      { encoding: "utf8" },
    );
    expect(status, stdout.split("\n").slice(-3).join("\n")).toBe(0);
  });

  it("every line of them is understood", () => {
    const all = [...files.keys()].filter((name) => !name.includes("@")).map((name) => join(directory, name));
    const { stderr } = spawnSync(ANALYZE, ["verify", "--man=no", "--recursive-errors=no", ...all], {
      encoding: "utf8",
    });
    expect(stderr.split("\n").filter((line) => /Unknown|Failed to parse|Invalid/i.test(line))).toEqual([]);
  });
});
