/**
 * Carries out what the warden verified about this host's posture, and answers its sealed questions. Waivers are kept here; whatever
 * changes the machine goes through the door to a program of its own.
 */
import * as v from "valibot";
import type { Observed } from "../../../protocol/messages.ts";
import { operations } from "../../../protocol/operations.ts";
import type { Report } from "../../../protocol/posture/report.ts";
import { reads, type ReadResult } from "../../../protocol/reads.ts";
import { systemCode } from "../../shared/edge-error.ts";
import type { Performed } from "../gateway/control-interface.ts";
import { ReadingError } from "../gateway/reading-error.ts";
import type { PostureControl, PostureOperationName, PostureOrder, PostureReadName } from "./control-interface.ts";
import { PostureDoorError, type Answer, type PostureDoor, type Wanted } from "./door.ts";
import { isFresh, portsToLookAt, readOutside, rulesNow, writeOutside } from "./outside-look.ts";
import type { PostureStore } from "./store.ts";
import { withoutWaiver, withWaiver } from "./waivers.ts";

export interface PostureControlDeps {
  readonly store: PostureStore;
  readonly door: PostureDoor;
  /** Looks again and waits for it, a bounded time: whoever changed something sees it in the next reading. Never rejects. */
  readonly refresh: () => Promise<void>;
  /** Wall clock, seconds. */
  readonly now: () => number;
}

type Act = (order: PostureOrder, deps: PostureControlDeps) => Promise<Performed>;

const acts: Readonly<Record<PostureOperationName, Act>> = {
  "posture.fix@1": (order, deps) => {
    const { check } = v.parse(operations["posture.fix@1"].args, order.args);
    return fix({ kind: "check", check, options: {} }, order, deps);
  },
  "posture.fix-with@1": (order, deps) => {
    const { check } = v.parse(operations["posture.fix-with@1"].args, order.args);
    const options = v.parse(operations["posture.fix-with@1"].sealed, order.content);
    return fix({ kind: "check", check, options }, order, deps);
  },
  "gateway.isolate@1": (order, deps) => apply({ kind: "check", check: MOVED, options: {} }, order, deps),
  "profile.apply@1": (order, deps) => {
    const profile = v.parse(operations["profile.apply@1"].sealed, order.content);
    return apply({ kind: "profile", profile }, order, deps);
  },
  "posture.rollback@1": async ({ args, author }, { door }) => {
    const { fix } = v.parse(operations["posture.rollback@1"].args, args);
    return outcomeOf(await door.rollback({ fix, author }));
  },
  "posture.waive@1": waive,
  "posture.unwaive@1": unwaive,
  "posture.look@1": look,
};

type Answers = {
  readonly [N in PostureReadName]: (
    args: Readonly<Record<string, unknown>>,
    deps: PostureControlDeps,
    content: unknown,
  ) => Promise<ReadResult<N>>;
};

const answers: Answers = {
  "posture.report@1": (_args, { store, now }) => {
    const report = store.report();
    if (report === undefined) throw new ReadingError("busy"); // the first look is under way
    return Promise.resolve({ at: now(), ...fitting(report) });
  },
  "posture.plan@1": (args, deps) => {
    const { check, choices = {} } = v.parse(reads["posture.plan@1"].args, args);
    return planned({ kind: "check", check, options: choices }, deps);
  },
  "posture.plan-with@1": (args, deps, content) => {
    const { args: schema, sealed } = reads["posture.plan-with@1"];
    const { check } = v.parse(schema, args);
    return planned({ kind: "check", check, options: v.parse(sealed.schema, content) }, deps);
  },
  "posture.profile@1": (args, deps) => {
    const { profile, movePort } = v.parse(reads["posture.profile@1"].args, args);
    return planned({ kind: "profile", profile: { profile, movePort, options: {} } }, deps);
  },
  "posture.fixes@1": async (_args, { door, now }) => {
    const answer = await asked(door.fixes());
    if (answer.kind !== "fixes") throw new ReadingError("unsupported");
    return { at: now(), fixes: answer.fixes.slice(0, MAX_FIXES) };
  },
  "posture.outside@1": (_args, { store, now }) => {
    const kept = readOutside(store.directory);
    return Promise.resolve({ at: now(), ...(kept === undefined || !isFresh(kept, now()) ? {} : { look: kept }) });
  },
  "posture.history@1": (_args, { store, now }) => Promise.resolve({ at: now(), moments: [...store.moments()] }),
};

const MAX_FIXES = 100;

export function postureControl(deps: PostureControlDeps): PostureControl {
  return {
    async perform(order) {
      try {
        const performed = await acts[order.operation](order, deps);
        await deps.refresh();
        return performed;
      } catch (error) {
        if (error instanceof PostureDoorError) return failed("outcome_unknown");
        if (systemCode(error) !== undefined) return failed("local_file");
        throw error;
      }
    },
    read: (operation, args, content) => answers[operation](args, deps, content),
  };
}

/** What the gateway's move mends is mended by that operation alone: a daily command must not become one. */
const MOVED = "usr.dedicated";

function fix(
  wanted: Extract<Wanted, { kind: "check" }>,
  order: PostureOrder,
  deps: PostureControlDeps,
): Promise<Performed> {
  return wanted.check === MOVED ? Promise.resolve(failed("by_operation")) : apply(wanted, order, deps);
}

async function apply(
  wanted: Wanted,
  { expect, author }: PostureOrder,
  { door }: PostureControlDeps,
): Promise<Performed> {
  const { subject } = expect;
  // The operation demands it; verification refused the intent without it.
  if (subject === undefined) throw new TypeError("a fix without its plan");
  return outcomeOf(await door.apply({ wanted, subject, author }));
}

function outcomeOf(answer: Answer): Performed {
  switch (answer.kind) {
    case "refused":
      return failed(answer.code);
    case "unchanged":
      return executed({ reason: "fix_unchanged" });
    case "fix": {
      const { fix, state, reason } = answer.fix;
      const made = { made: fix };
      // One that was taken back by itself was not done; one that a person took back was.
      if (state === "applied" || (state === "undone" && reason === undefined)) return executed(made);
      if (state === "armed") return executed({ ...made, reason: "fix_armed" });
      return { verdict: "failed", observed: { ...made, reason: reason ?? "fix_failed" } };
    }
    case "plan":
    case "fixes":
      return failed("outcome_unknown"); // not what was asked
  }
}

const executed = (observed: Observed): Performed => ({ verdict: "executed", observed });
const failed = (reason: string): Performed => ({ verdict: "failed", observed: { reason } });

function waive({ args, author, content }: PostureOrder, { store, now }: PostureControlDeps): Promise<Performed> {
  const { check, until } = v.parse(operations["posture.waive@1"].args, args);
  const { reason } = v.parse(operations["posture.waive@1"].sealed, content);
  const result = withWaiver(store.waivers(), { check, author, at: now(), until, reason });
  if ("refused" in result) return Promise.resolve(failed(result.refused));
  store.saveWaivers(result.waivers);
  return Promise.resolve(executed({}));
}

function unwaive({ args }: PostureOrder, { store, now }: PostureControlDeps): Promise<Performed> {
  const { check } = v.parse(operations["posture.unwaive@1"].args, args);
  const left = withoutWaiver(store.waivers(), { check, at: now() });
  if (left === undefined) return Promise.resolve(failed("gone"));
  store.saveWaivers(left);
  return Promise.resolve(executed({}));
}

/** What was seen is kept whatever it says; that nothing was seen keeps what was seen before. */
async function look(
  { author, lookOutside }: PostureOrder,
  { store, refresh, now }: PostureControlDeps,
): Promise<Performed> {
  // Which ports are this host's, and by which rules what the edge sees came about, is for now to say.
  await refresh();
  const facts = store.facts();
  const outcome = await lookOutside(portsToLookAt(facts));
  if (outcome.kind === "refused") return failed(outcome.code);
  const { vantage, address, ports } = outcome;
  writeOutside(store.directory, { v: 1, at: now(), by: "edge", author, ...rulesNow(facts), vantage, address, ports });
  return executed({});
}

async function planned(wanted: Wanted, { door, now }: PostureControlDeps): Promise<ReadResult<"posture.plan@1">> {
  const answer = await asked(door.plan(wanted));
  if (answer.kind === "plan") return { at: now(), kind: "plan", subject: answer.subject, plan: answer.plan };
  if (answer.kind === "refused") return { at: now(), kind: "refused", code: answer.code };
  throw new ReadingError("unsupported");
}

async function asked(answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof PostureDoorError) throw new ReadingError("unsupported");
    throw error;
  }
}

/** Below six parts of 48 kB, with room for what JSON adds. */
const MAX_REPORT_CHARACTERS = 240_000;

/** A report that would not fit loses the evidence of what is in order, never of what is not. */
function fitting(report: Report): { report: Report; isCut: boolean } {
  if (JSON.stringify(report).length <= MAX_REPORT_CHARACTERS) return { report, isCut: false };
  const findings = report.findings.map((one) => (one.state === "fail" ? one : { ...one, evidence: [] }));
  return { report: { ...report, findings }, isCut: true };
}
