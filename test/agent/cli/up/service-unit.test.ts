import { describe, expect, it } from "vitest";
import { serviceUnit, type UnitInput } from "../../../../agent/cli/up/service-unit.ts";

const unitOf = (change: Partial<UnitInput> = {}): string =>
  serviceUnit({
    node: "/opt/clawhold/node_modules/node/bin/node",
    entry: "/opt/clawhold/dist/clawhold.mjs",
    argv: [],
    ports: [4470, 4471],
    ...change,
  });

const lineOf = (unit: string, name: string): readonly string[] =>
  unit.split("\n").filter((line) => line.startsWith(`${name}=`));

describe("the unit", () => {
  it("hides every home, and shows the service its program where that lies in one", () => {
    expect(lineOf(unitOf(), "ProtectHome")).toEqual(["ProtectHome=yes"]);
    const unit = unitOf({ node: "/usr/bin/node", entry: "/home/ada/claw hold/dist/clawhold.mjs" });
    expect(lineOf(unit, "ProtectHome")).toEqual(["ProtectHome=tmpfs"]);
    expect(lineOf(unit, "BindReadOnlyPaths")).toEqual(['BindReadOnlyPaths="/home/ada/claw hold"']);
  });

  it("says words as systemd reads them", () => {
    const [line] = lineOf(unitOf({ argv: ["--name", 'a "b" \\c', "100%", "$HOME"] }), "ExecStart");
    expect(line).toMatch(/ --name "a \\"b\\" \\\\c" 100%% \$\$HOME$/);
  });

  it("is not made of a word that would end its line", () => {
    expect(() => unitOf({ argv: ["--name", "x\nExecStartPre=/bin/sh"] })).toThrow(TypeError);
  });

  it.each([
    [[443, 4471], "CAP_NET_BIND_SERVICE", "no"],
    [[4470, 80], "CAP_NET_BIND_SERVICE", "no"],
    [[0, 0], "", "yes"],
    [[1_024, 4471], "", "yes"],
  ])("with the ports %j has the capability %j", (ports, capability, alone) => {
    const unit = unitOf({ ports });
    expect(lineOf(unit, "CapabilityBoundingSet")).toEqual([`CapabilityBoundingSet=${capability}`]);
    expect(lineOf(unit, "AmbientCapabilities")).toEqual([`AmbientCapabilities=${capability}`]);
    expect(lineOf(unit, "PrivateUsers")).toEqual([`PrivateUsers=${alone}`]);
  });
});
