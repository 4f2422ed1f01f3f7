import { beforeAll, describe, expect, it } from "vitest";
import { Exports } from "../../../web/client/exports.ts";
import type { EdgeClient } from "../../../web/client/http.ts";
import { TroubleError, UNREACHABLE } from "../../../web/client/trouble.ts";
import { TrustKeeper } from "../../../web/client/trust.ts";
import type { StoredSession } from "../../../web/client/vault.ts";
import type { ExportStep } from "../../../web/state/exports.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { asserted, makeWorld, NOW, SIGNER_RP_ID, type Name, type World } from "../../fixtures/workspace.ts";
import { FarEnd } from "./far-end.ts";

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});

const request = { format: "csv", purpose: "audit", filter: {} } as const;
const started = { export: "x-one", entries: 3, expires: NOW + 3_600 };

interface Asked {
  readonly name: string;
  readonly input: { readonly query?: object; readonly params?: object; readonly body?: object };
}
/** What the edge says next, part after part; an error is thrown. */
type Part = { readonly text: string; readonly next?: string } | Error;

async function pageOf(who: Name, parts: Part[], isClosed = false) {
  const far = new FarEnd(world).deps();
  const trust = new TrustKeeper(far);
  await trust.refresh();
  far.clock.set(NOW);
  const asked: Asked[] = [];
  const client = {
    call(name: string, input: Asked["input"] = {}) {
      asked.push({ name, input });
      const answer = name === "exportStart" ? started : name === "exportTicket" ? { ticket: "t-1" } : parts.shift();
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  } as unknown as EdgeClient;
  const exports = new Exports({
    client,
    clock: far.clock,
    trust,
    memory: { recall: () => Promise.resolve({ edge: "https://hold.example.net" }) },
    session: () => ({ digest: nonceOf("session"), person: `p-${who}` }) as StoredSession,
    touch: ({ kind, body }) =>
      isClosed
        ? Promise.reject(new DOMException("closed", "NotAllowedError"))
        : asserted(world.people[who].passkey, kind, { body }),
    rpId: SIGNER_RP_ID,
    pause: () => Promise.resolve(),
  });
  return { exports, asked };
}

async function stepsOf(steps: AsyncIterable<ExportStep>): Promise<readonly ExportStep[]> {
  const all: ExportStep[] = [];
  for await (const step of steps) all.push(step);
  return all;
}

describe("a copy of the log behind the page", () => {
  it("is approved by one touch over exactly what is asked for, and joined from its parts", async () => {
    const { exports, asked } = await pageOf("ada", [{ text: "a\n", next: "rows.1.1" }, { text: "é\n" }]);
    const steps = await stepsOf(exports.take(request));
    expect(steps.map(({ kind }) => kind)).toEqual(["touch", "sending", "fetching", "fetching", "file"]);
    expect(asked[0]?.input.body).toMatchObject({ change: request, action: expect.any(String) });
    expect(asked.slice(1).map(({ input }) => input)).toEqual([
      { params: { export: "x-one" } },
      { params: { export: "x-one" }, query: { cursor: "rows.1.1" } },
    ]);
    expect(steps[3]).toEqual({ kind: "fetching", bytes: 5, entries: 3 });
    const last = steps.at(-1);
    if (last?.kind !== "file") throw new Error("no file");
    expect(await last.file.text()).toBe("a\né\n");
    expect(last.name).toBe(`clawhold-activity-${new Date(NOW * 1_000).toISOString().slice(0, 10)}.csv`);
  });

  it("goes on where it was when the line drops for a moment, and gives up when it stays away", async () => {
    const gone = () => new TroubleError(UNREACHABLE);
    const { exports } = await pageOf("ada", [gone(), gone(), { text: "a" }]);
    expect((await stepsOf(exports.take(request))).at(-1)?.kind).toBe("file");
    const away = await pageOf("ada", [gone(), gone(), gone(), gone(), gone(), { text: "a" }]);
    const steps = await stepsOf(away.exports.take(request));
    expect(steps.at(-1)).toMatchObject({ kind: "failed", trouble: { code: "unreachable" } });
  });

  it("gives no file when the edge says no in between", async () => {
    const ended = new TroubleError({ code: "export_unknown", what: "There is no such copy." });
    const { exports } = await pageOf("ada", [{ text: "a", next: "rows.1.1" }, ended]);
    const steps = await stepsOf(exports.take(request));
    expect(steps.at(-1)).toMatchObject({ kind: "failed", trouble: { code: "export_unknown" } });
  });

  it("asks for nothing when the authenticator was closed", async () => {
    const { exports, asked } = await pageOf("ada", [], true);
    expect((await stepsOf(exports.take(request))).map(({ kind }) => kind)).toEqual(["touch", "cancelled"]);
    expect(asked).toEqual([]);
  });

  it("stops asking when nobody waits for it any more", async () => {
    const { exports, asked } = await pageOf("ada", [{ text: "a", next: "rows.1.1" }, { text: "b" }]);
    for await (const { kind } of exports.take(request)) if (kind === "fetching") break;
    expect(asked).toHaveLength(2);
  });

  it.each([
    ["ada", true],
    ["nora", false],
  ] as const)("is for %s: %s", async (who, may) => {
    const { exports } = await pageOf(who, []);
    expect(exports.mayExport.value).toBe(may);
  });
});

describe("a ticket for a program", () => {
  it("comes after a touch over exactly the same request, and names the edge's own address", async () => {
    const { exports, asked } = await pageOf("ada", []);
    const steps = [];
    for await (const step of exports.ticket(request)) steps.push(step);
    expect(steps.map(({ kind }) => kind)).toEqual(["touch", "sending", "ticket"]);
    expect(steps.at(-1)).toMatchObject({ ticket: "t-1", url: "https://hold.example.net/api/exports/download" });
    expect(asked[0]?.input.body).toMatchObject({ change: request });
    expect(asked[1]).toMatchObject({ name: "exportTicket", input: { params: { export: "x-one" } } });
  });

  it("is not made when the authenticator was closed", async () => {
    const { exports, asked } = await pageOf("ada", [], true);
    const steps = [];
    for await (const step of exports.ticket(request)) steps.push(step);
    expect(steps.at(-1)?.kind).toBe("cancelled");
    expect(asked).toEqual([]);
  });
});
