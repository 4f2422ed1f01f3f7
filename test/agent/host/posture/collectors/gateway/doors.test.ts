/** Doors of a recorded machine: what is knocked at, under which names, and what of the answers is kept. */
import { describe, expect, it } from "vitest";
import { behindPort, lookAtDoor } from "../../../../../../agent/host/posture/collectors/gateway/doors.ts";
import { doorsCollector } from "../../../../../../agent/host/posture/collectors/gateway/doors-collector.ts";
import type { HttpTried, Machine } from "../../../../../../agent/host/posture/machine.ts";
import { recordedMachine } from "../../recorded-machine.ts";

type Answers = (url: string, name: string | undefined) => Partial<HttpTried> | undefined;

function machineWith(answers: Answers): { readonly machine: Machine; readonly asked: string[] } {
  const asked: string[] = [];
  const http: Machine["http"] = (url, options) => {
    const name = options?.headers?.["host"];
    asked.push(name === undefined ? url : `${url} as ${name}`);
    const answer = answers(url, name);
    return Promise.resolve(
      answer === undefined ? { outcome: "closed" } : { outcome: "answered", status: 200, ...answer },
    );
  };
  return { machine: recordedMachine({ http }), asked };
}

const socket = { address: "0.0.0.0", port: 443, loopback: false, uid: 0, inode: "1" };
const behind = [{ port: 18_789, uptimeMilliseconds: 60_000 }];
const ready = (uptimeMs: number) => ({ body: JSON.stringify({ ready: true, uptimeMs }) });

describe("a door", () => {
  it("leads to the gateway whose uptime it says", async () => {
    const { machine } = machineWith((url) => (url.endsWith("/readyz") ? ready(61_500) : {}));
    expect(await behindPort(machine, 18_789)).toEqual({ port: 18_789, uptimeMilliseconds: 61_500 });
    expect(await lookAtDoor({ machine, socket, behind, names: [] })).toMatchObject({
      scheme: "http",
      leadsTo: 18_789,
      name: undefined,
    });
  });
  it("that asks who comes, or has another gateway behind it, does not", async () => {
    for (const answer of [{ status: 401, body: "" }, { status: 302, body: "" }, ready(9_000_000), { body: "<html>" }]) {
      const { machine } = machineWith((url) => (url.endsWith("/readyz") ? answer : { body: "<html>" }));
      expect((await lookAtDoor({ machine, socket, behind, names: [] })).leadsTo).toBeUndefined();
    }
  });
  it("is asked over TLS where it wants that, and under the names that it is set up for", async () => {
    const { machine, asked } = machineWith((url, name) => {
      if (url.startsWith("http:")) return { status: 400, body: "The plain HTTP request was sent to HTTPS port" };
      return url.endsWith("/readyz") && name === "desk.example" ? ready(60_000) : { status: 404 };
    });
    const names = ["www.example", "desk.example"];
    expect(await lookAtDoor({ machine, socket, behind, names })).toMatchObject({
      scheme: "https",
      leadsTo: 18_789,
      name: "desk.example",
    });
    expect(asked).toContain("https://127.0.0.1:443/readyz as desk.example");
  });
  it("that says 200 to everything, as an application of one page does, hands out nothing", async () => {
    const { machine } = machineWith(() => ({ body: "<!doctype html><title>App</title>A=B" }));
    expect((await lookAtDoor({ machine, socket, behind, names: [] })).exposes).toEqual([]);
  });
  it("hands out what is recognised by its content, also under a name alone", async () => {
    const files: Readonly<Record<string, string>> = {
      "/.git/config": "[core]\n\tbare = false\n",
      "/.env": "export API_KEY=x\n",
      "/openclaw.json": '{"agents":{}}',
    };
    const { machine } = machineWith((url, name) => {
      const body = name === "www.example" ? files[new URL(url).pathname] : undefined;
      return body === undefined ? { status: 404, body: "no" } : { body };
    });
    const door = await lookAtDoor({ machine, socket, behind, names: ["www.example"] });
    expect(door.exposes).toEqual(["/.env", "/.git/config", "/openclaw.json"]);
    expect(JSON.stringify(door)).not.toContain("API_KEY");
  });
  it("that does not speak HTTP is left alone", async () => {
    const { machine, asked } = machineWith(() => undefined);
    expect(await lookAtDoor({ machine, socket, behind, names: ["a.example"] })).toMatchObject({
      scheme: undefined,
      exposes: [],
    });
    expect(asked).toEqual(["http://127.0.0.1:443/", "https://127.0.0.1:443/"]);
  });
});

describe("more doors than are knocked at", () => {
  it("are a gap: nothing is said of them", async () => {
    const lines = Array.from({ length: 30 }, (_, at) => {
      const port = (8_000 + at).toString(16).toUpperCase().padStart(4, "0");
      return `   ${String(at)}: 00000000:${port} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 ${String(1_000 + at)} 1 x`;
    });
    const machine = recordedMachine({
      files: { "/proc/net/tcp": ["  sl", ...lines].join("\n"), "/proc/net/tcp6": "  sl\n" },
    });
    const facts = await doorsCollector().collect({ machine, soFar: {}, directory: undefined });
    expect(facts["gateway.doors"]).toMatchObject({
      gap: { why: "not_visible", source: "6 more open ports, beyond the first 24" },
    });
  });
});
