import { describe, expect, it } from "vitest";
import type { Trouble } from "../../../web/state/backend.ts";
import type { PreparedStatement, StatementDesk, StatementStep, TooFew } from "../../../web/state/statements.ts";
import { statementCourse } from "../../../web/statement/course.ts";

const trouble: Trouble = { code: "role", what: "No." };

interface Answers {
  readonly fails?: boolean;
  readonly leaves?: TooFew;
}

function desk(
  steps: readonly StatementStep[],
  { fails = false, leaves }: Answers = {},
): { readonly statements: StatementDesk } {
  const prepared = {
    ...(leaves === undefined ? {} : { leaves }),
    async *approve() {
      yield* steps;
    },
  } as unknown as PreparedStatement;
  const answer = async () => (fails ? { ok: false, trouble } : { ok: true, value: prepared });
  return { statements: { prepare: answer, review: answer } as unknown as StatementDesk };
}

const draft = { kind: "draft", draft: { kind: "person.revoke", body: { person: "p-x" } } } as const;

describe("the course of a statement", () => {
  it("asks, and says why it cannot be done", async () => {
    const course = statementCourse(desk([], { fails: true }), draft);
    await course.prepare();
    expect(course.state.value).toEqual({ kind: "unprepared", trouble });
    await course.press();
    expect(course.state.value.kind).toBe("unprepared");
  });

  it("goes from question to done", async () => {
    const course = statementCourse(
      desk([{ kind: "touch" }, { kind: "sending" }, { kind: "done", outcome: "stated" }]),
      draft,
    );
    await course.prepare();
    expect(course.state.value.kind).toBe("question");
    await course.press();
    expect(course.state.value).toMatchObject({ kind: "done", outcome: "stated" });
  });

  it("is back at the question when the authenticator was closed", async () => {
    const course = statementCourse(desk([{ kind: "touch" }, { kind: "cancelled" }]), { kind: "waiting", digest: "d" });
    await course.prepare();
    await course.press();
    expect(course.state.value).toMatchObject({ kind: "question", note: "closed" });
  });

  it("is pressed only after a first press where it leaves too few administrators, in this question and the next", async () => {
    const leaves = { administrators: 1, people: 2 };
    const steps: readonly StatementStep[] = [{ kind: "touch" }, { kind: "cancelled" }];
    const course = statementCourse(desk(steps, { leaves }), draft);
    course.accept();
    await course.prepare();
    await course.press();
    expect(course.state.value).toMatchObject({ kind: "question", accepted: false });
    expect(course.state.value).not.toHaveProperty("note");
    course.accept();
    await course.press();
    expect(course.state.value).toMatchObject({ kind: "question", accepted: true, note: "closed" });
    await course.prepare();
    expect(course.state.value).toMatchObject({ kind: "question", accepted: false });
  });

  it("keeps a failure, and begins anew only when asked", async () => {
    const course = statementCourse(desk([{ kind: "touch" }, { kind: "failed", trouble }]), draft);
    await course.prepare();
    await course.press();
    expect(course.state.value).toMatchObject({ kind: "failed", trouble });
    await course.press();
    expect(course.state.value.kind).toBe("failed");
    await course.prepare();
    expect(course.state.value.kind).toBe("question");
  });
});
