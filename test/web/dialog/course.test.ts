import { beforeEach, describe, expect, it, vi } from "vitest";
import { createCourse } from "../../../web/dialog/course.ts";
import type { CommandStep, PreparedCommand, Result } from "../../../web/state/backend.ts";
import { receipt } from "../fixtures/ledger.ts";

const of = { operation: "gateway.restart@1", hostId: "h-vps-1", hostLabel: "vps-1" } as const;

interface Recorder {
  presses: number;
  receiptsAsked: number;
  signal?: AbortSignal;
}

function commandWith(steps: () => AsyncIterable<CommandStep>, seen: Recorder): PreparedCommand {
  return {
    approve(abort: AbortSignal) {
      seen.presses += 1;
      seen.signal = abort;
      return steps();
    },
    askReceipt: async () => {
      seen.receiptsAsked += 1;
      return { kind: "receipt", afterMs: 1, receipt, retry: "none" };
    },
  } as unknown as PreparedCommand;
}

function courseWith(steps: () => AsyncIterable<CommandStep>) {
  const seen: Recorder = { presses: 0, receiptsAsked: 0 };
  const command = commandWith(steps, seen);
  const course = createCourse(
    { prepare: async (): Promise<Result<PreparedCommand>> => ({ ok: true, value: command }) },
    of,
  );
  return { course, seen };
}

describe("the course of a dialog", () => {
  // A defect is also logged; the tests make some on purpose.
  beforeEach(() => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
  });

  it("signs nothing before a press, and once per press", async () => {
    const { course, seen } = courseWith(async function* () {
      yield { kind: "receipt", afterMs: 9, receipt, retry: "none" };
    });
    await course.prepare();
    expect(seen.presses).toBe(0);
    await course.press();
    await course.press();
    expect(seen.presses).toBe(1);
    expect(course.state.value.kind).toBe("receipt");
  });

  it("never signs again to get an answer: it asks for the receipt", async () => {
    const { course, seen } = courseWith(async function* () {
      yield { kind: "silent", afterMs: 35_000 };
    });
    await course.prepare();
    await course.press();
    expect(course.state.value.kind).toBe("silent");
    await course.askReceipt();
    expect(seen).toMatchObject({ presses: 1, receiptsAsked: 1 });
    expect(course.state.value.kind).toBe("receipt");
  });

  it("hears nothing more once it is closed", async () => {
    const { course, seen } = courseWith(async function* () {
      yield { kind: "authenticator", secondsLeft: 60 };
      course.stop();
      yield { kind: "approved", afterMs: 0 };
    });
    await course.prepare();
    await course.press();
    expect(seen.signal?.aborted).toBe(true);
    expect(course.state.value.kind).toBe("authenticator");
  });

  it("turns a defect into a sentence", async () => {
    const { course } = courseWith(async function* () {
      yield { kind: "authenticator", secondsLeft: 60 };
      throw new TypeError("defect");
    });
    await course.prepare();
    await course.press();
    expect(course.state.value).toMatchObject({ kind: "refused", by: "page", retry: "none" });
  });

  it("never calls refused what was already sent when it broke", async () => {
    const { course } = courseWith(async function* () {
      yield { kind: "authenticator", secondsLeft: 60 };
      yield { kind: "approved", afterMs: 0 };
      throw new TypeError("defect");
    });
    await course.prepare();
    await course.press();
    expect(course.state.value.kind).toBe("silent");
  });

  it("says when the host cannot be asked, whether by answer or by defect", async () => {
    const refused = createCourse(
      { prepare: async () => ({ ok: false, trouble: { code: "no_answer", what: "No answer." } }) },
      of,
    );
    await refused.prepare();
    expect(refused.state.value).toMatchObject({ kind: "unprepared", trouble: { code: "no_answer" } });
    const broken = createCourse({ prepare: () => Promise.reject(new TypeError("defect")) }, of);
    await broken.prepare();
    expect(broken.state.value).toMatchObject({ kind: "unprepared", trouble: { code: "page" } });
  });
});
