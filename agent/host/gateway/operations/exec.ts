/** Answers to the gateway's questions before a command, the switch, and the rules by which it asks. */
import { encodeCanonical } from "../../../../protocol/canonical.ts";
import { digestOf } from "../../../../protocol/signing.ts";
import { GatewayError } from "../faults.ts";
import type { GatewayOrder, Performed } from "../control-interface.ts";
import type { Decision } from "../questions/question.ts";
import { field, isFields } from "../wire.ts";
import { executed, failed, type GatewayImplementation, type GatewayTools } from "./implementation.ts";

/** After switching on, the gateway has this long to count us as somebody who can answer. */
const CONNECT_MILLISECONDS = 15_000;

export interface CommandRules {
  readonly security: string;
  readonly ask: string;
  readonly fallback: string;
}

/** The rules that apply where no agent has its own, with the digest that an intent pins. @throws {GatewayError} */
export async function readCommandRules(
  call: (method: string, parameters: object) => Promise<unknown>,
): Promise<{ readonly rules: CommandRules; readonly subject: string; readonly file: unknown; readonly hash: unknown }> {
  const kept = await call("exec.approvals.get", {});
  const resolved = field(kept, "resolvedDefaults");
  const word = (key: string): string => {
    const value = field(resolved, key);
    return typeof value === "string" ? value.slice(0, 16) : "";
  };
  const rules = { security: word("security"), ask: word("ask"), fallback: word("askFallback") };
  return {
    rules,
    subject: digestOf("subject", encodeCanonical({ ...rules })),
    file: field(kept, "file"),
    hash: field(kept, "hash"),
  };
}

function answering(decision: Decision): GatewayImplementation {
  return {
    ...(decision === "deny" ? {} : { subject: ({ subject }, { questions }) => askedOf(subject, questions) }),
    async perform({ args, expect }, { questions }): Promise<Performed> {
      if (questions === undefined) return failed("not_watching");
      const trouble = await questions.answer(String(args["subject"]), decision, expect.subject).catch(troubleOf);
      return trouble === undefined ? executed() : failed(trouble);
    },
  };
}

function askedOf(tag: unknown, questions: GatewayTools["questions"]): Promise<string | undefined> {
  return questions?.subject(String(tag)).catch(() => undefined) ?? Promise.resolve(undefined);
}

function troubleOf(error: unknown): string {
  if (error instanceof GatewayError) return "gateway";
  throw error;
}

async function deniesUnasked(tools: GatewayTools): Promise<boolean> {
  let fallback: string | undefined;
  await withAdministrator(tools, async (call) => {
    fallback = (await readCommandRules(call)).rules.fallback;
    return executed();
  });
  return fallback === "deny";
}

async function switchTo(on: boolean, tools: GatewayTools): Promise<Performed> {
  const { questions } = tools;
  if (questions === undefined) return failed("no_gateway");
  const changed = questions.isOn === on ? 0 : 1;
  // With nobody to ask the gateway goes by its fallback: switching off may only ever deny.
  if (!on && changed > 0 && !(await deniesUnasked(tools))) return failed("fallback_open");
  await questions.set(on);
  if (on && !(await questions.connected(CONNECT_MILLISECONDS))) return failed("gateway", { changed });
  return executed({ changed });
}

async function withAdministrator(tools: GatewayTools, act: (call: Call) => Promise<Performed>): Promise<Performed> {
  try {
    const connection = await tools.open("operator.admin");
    try {
      return await act((method, parameters) => connection.call(method, parameters));
    } finally {
      connection.close();
    }
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    tools.log("exec_policy", { code: error.code });
    return failed("gateway");
  }
}
type Call = (method: string, parameters: object) => Promise<unknown>;

function setRules({ args, expect }: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  return withAdministrator(tools, async (call) => {
    const before = await readCommandRules(call);
    if (before.subject !== expect.subject) return failed("changed");
    const file = isFields(before.file) ? before.file : {};
    const defaults = isFields(file["defaults"]) ? file["defaults"] : {};
    const wanted = {
      security: String(args["security"]),
      ask: String(args["ask"]),
      askFallback: String(args["fallback"]),
    };
    const { socket: _socket, ...rest } = file; // its token is the gateway's own and comes back redacted
    await call("exec.approvals.set", {
      file: { version: 1, agents: {}, ...rest, defaults: { ...defaults, ...wanted } },
      ...(typeof before.hash === "string" ? { baseHash: before.hash } : {}),
    });
    const after = (await readCommandRules(call)).rules;
    const isSo =
      after.security === wanted.security && after.ask === wanted.ask && after.fallback === wanted.askFallback;
    return isSo
      ? executed({ changed: before.subject === digestOf("subject", encodeCanonical({ ...after })) ? 0 : 1 })
      : failed("not_so");
  });
}

export const execRows = {
  "exec.deny@1": answering("deny"),
  "exec.allow-once@1": answering("allow-once"),
  "exec.allow-always@1": answering("allow-always"),
  "exec.watch-on@1": { perform: (_order, tools) => switchTo(true, tools) },
  "exec.watch-off@1": { perform: (_order, tools) => switchTo(false, tools) },
  "exec.policy@1": {
    subject: async (_args, tools) => {
      let subject: string | undefined;
      await withAdministrator(tools, async (call) => {
        ({ subject } = await readCommandRules(call));
        return executed();
      });
      return subject;
    },
    perform: setRules,
  },
} as const satisfies Record<string, GatewayImplementation>;
