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

  it("has systemd hand over a certificate and its key, which only root may read", () => {
    const tlsFiles = { certificate: "/etc/clawhold/100% ours/edge.crt", key: "/root/edge.key" };
    const unit = unitOf({ argv: ["--name", "edge.example"], tlsFiles });
    expect(lineOf(unit, "LoadCredential")).toEqual([
      "LoadCredential=tls-cert:/etc/clawhold/100%% ours/edge.crt",
      "LoadCredential=tls-key:/root/edge.key",
    ]);
    expect(lineOf(unit, "ExecStart")[0]).toMatch(
      / --name edge\.example --tls-cert %d\/tls-cert --tls-key %d\/tls-key$/,
    );
    expect(lineOf(unitOf(), "LoadCredential")).toEqual([]);
    expect(unitOf()).not.toContain("%d");
  });

  it.each(["/etc/edge.key\nUser=root", "/etc/edge.key ", "/etc/edge.key\\"])(
    "is not made of the path %j, which its line would be read without",
    (key) => {
      expect(() => unitOf({ tlsFiles: { certificate: "/etc/edge.crt", key } })).toThrow(TypeError);
    },
  );

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
