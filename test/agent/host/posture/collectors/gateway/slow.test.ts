/** Who may write a gateway's configuration: tried through its own process, and never guessed where that does not work. */
import { describe, expect, it } from "vitest";
import { GatewayError } from "../../../../../../agent/host/gateway/faults.ts";
import { slowCollector } from "../../../../../../agent/host/posture/collectors/gateway/slow.ts";
import { known } from "../../../../../../agent/host/posture/fact.ts";
import { recordedMachine } from "../../recorded-machine.ts";

const row = {
  gateway: "alice",
  user: "alice",
  uid: 1_000,
  gid: 1_000,
  home: "/home/alice",
  directory: "/home/alice/.openclaw",
  configurationPath: "/home/alice/.openclaw/openclaw.json",
  configuration: "ok",
  port: 18_789,
  pid: 7,
  isListening: false,
} as const;

async function writable(answer: (path: string) => string, change: object = {}, isRoot = true) {
  const tried: string[] = [];
  const machine = recordedMachine({
    isRoot,
    programs: {
      "node posture.cjs try write": (argv) => {
        tried.push(argv.at(-1) ?? "");
        return answer(argv.at(-1) ?? "");
      },
    },
  });
  const found = known([{ ...row, ...change }], { level: "runtime", source: "test", at: 1, raw: "" });
  const silent = () => Promise.reject(new GatewayError("unreachable"));
  const facts = await slowCollector(silent).collect({
    machine,
    soFar: { "gateway.found": found },
    directory: undefined,
  });
  return { tried, fact: facts["gateway.writable"] };
}

describe("who may write the configuration", () => {
  it("is tried as the gateway sees it: its file, and where another could take its place", async () => {
    const { tried, fact } = await writable((path) =>
      path.endsWith(".json") ? '{"outcome":"no"}\n' : '{"outcome":"yes"}\n',
    );
    expect(tried).toEqual(["/proc/7/root/home/alice/.openclaw/openclaw.json", "/proc/7/root/home/alice/.openclaw"]);
    expect(fact).toMatchObject({ kind: "known", value: [{ how: ["directory"] }] });
  });
  it.each([
    ["it cannot be seen through the process", '{"outcome":"unseen"}\n', {}, true, "not_visible"],
    ["the answer is none", "yes", {}, true, "failed"],
    ["the gateway does not run", "", { pid: undefined }, true, "gateway_down"],
    ["it is another user's and we are not root", "", { uid: 1_001 }, false, "not_root"],
  ] as const)("is not known where %s", async (...[, answer, change, isRoot, why]) => {
    expect((await writable(() => answer, change, isRoot)).fact).toMatchObject({ kind: "unknown", why });
  });
});
