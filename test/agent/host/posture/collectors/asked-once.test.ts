import { describe, expect, it } from "vitest";
import { ranOnce, readTable } from "../../../../../agent/host/posture/collectors/asked-once.ts";
import type { Machine } from "../../../../../agent/host/posture/machine.ts";

/** Counts what it is asked, and answers with the number. */
function counting(): { readonly machine: Machine; at: number } {
  let asked = 0;
  const answer = (): string => String((asked += 1));
  const scene = { at: 1_000 };
  const machine = {
    now: () => scene.at,
    run: () => Promise.resolve({ kind: "ran", exit: 0, stdout: answer(), stderr: "" } as const),
    read: () => Promise.resolve({ kind: "text", text: answer(), uid: 0, mode: 0o444 } as const),
  } satisfies Partial<Machine>;
  return Object.assign(scene, { machine: machine as unknown as Machine });
}

describe("what several collectors ask", () => {
  it("is asked once in a scan, and anew a little later", async () => {
    const scene = counting();
    const first = ranOnce(scene.machine, ["getent", "passwd"]);
    scene.at += 2;
    expect(await ranOnce(scene.machine, ["getent", "passwd"])).toBe(await first);
    scene.at += 1;
    expect(await ranOnce(scene.machine, ["getent", "passwd"])).toMatchObject({ stdout: "2" });
  });

  it("is asked anew when the clock went back", async () => {
    const scene = counting();
    await readTable(scene.machine, "/proc/net/tcp");
    scene.at -= 3_600;
    expect(await readTable(scene.machine, "/proc/net/tcp")).toMatchObject({ text: "2" });
  });

  it("is another question with other words, and on another machine", async () => {
    const { machine } = counting();
    await ranOnce(machine, ["getent", "passwd"]);
    expect(await ranOnce(machine, ["getent", "group"])).toMatchObject({ stdout: "2" });
    expect(await ranOnce(machine, ["getent passwd"])).toMatchObject({ stdout: "3" });
    expect(await ranOnce(counting().machine, ["getent", "passwd"])).toMatchObject({ stdout: "1" });
  });
});
