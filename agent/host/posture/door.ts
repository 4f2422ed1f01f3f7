/**
 * Where the warden hands over what it verified: plan, mend, take back. Who mends runs elsewhere, as root on the host's own network
 * and only for as long as it takes; the warden itself keeps neither. Answers are parsed by the schemas here, because they cross a
 * process border.
 */
import * as v from "valibot";
import { digest } from "../../../protocol/fields.ts";
import { fixOptionsSchema, profileOptionsSchema } from "../../../protocol/posture/options.ts";
import { fixSchema, planSchema } from "../../../protocol/posture/plan.ts";
import { posturalReason } from "../../../protocol/posture/report.ts";
import { checkIds } from "../../../protocol/posture.ts";

const author = v.pipe(v.string(), v.regex(/^[A-Za-z0-9._:-]{1,64}$/));
const fixName = v.pipe(v.string(), v.regex(/^fix-[0-9a-f]{16}$/));

/** What shall be mended: one check, or everything of a profile. */
export const wantedSchema = v.variant("kind", [
  v.strictObject({ kind: v.literal("check"), check: v.picklist(checkIds), options: fixOptionsSchema }),
  v.strictObject({ kind: v.literal("profile"), profile: profileOptionsSchema }),
]);
export type Wanted = v.InferOutput<typeof wantedSchema>;

/** `subject`: digest of the plan that was signed; another plan is refused. */
export const orderSchema = v.variant("verb", [
  v.strictObject({ verb: v.literal("plan"), wanted: wantedSchema }),
  v.strictObject({ verb: v.literal("apply"), wanted: wantedSchema, subject: digest, author }),
  v.strictObject({ verb: v.literal("rollback"), fix: fixName, author }),
  v.strictObject({ verb: v.literal("fixes") }),
]);
export type Order = v.InferOutput<typeof orderSchema>;

/** `code`: worded by the page (protocol/posture-words.ts). `sentence`: for this host's own log and terminal. */
export const refusedSchema = v.strictObject({
  kind: v.literal("refused"),
  code: posturalReason,
  sentence: v.pipe(v.string(), v.maxLength(600)),
});
export type Refused = v.InferOutput<typeof refusedSchema>;

export const answerSchema = v.variant("kind", [
  refusedSchema,
  v.strictObject({ kind: v.literal("plan"), plan: planSchema, subject: digest }),
  /** After apply: `applied`, or `armed` where a sign-in must prove it first. After rollback: `undone`. */
  v.strictObject({ kind: v.literal("fix"), fix: fixSchema }),
  /** Newest first. */
  v.strictObject({ kind: v.literal("fixes"), fixes: v.pipe(v.array(fixSchema), v.maxLength(200)) }),
  /** Nothing to do: the machine is as the plan wants it. */
  v.strictObject({ kind: v.literal("unchanged") }),
]);
export type Answer = v.InferOutput<typeof answerSchema>;

export interface PostureDoor {
  plan(wanted: Wanted): Promise<Answer>;
  apply(order: { readonly wanted: Wanted; readonly subject: string; readonly author: string }): Promise<Answer>;
  rollback(order: { readonly fix: string; readonly author: string }): Promise<Answer>;
  fixes(): Promise<Answer>;
}

/** Carries one order to whoever does it, and its answer back. @throws {PostureDoorError} */
export type Carrier = (order: Order) => Promise<unknown>;

/** Nobody answered, or what came is no answer of ours. What was begun ends or undoes itself without us. */
export class PostureDoorError extends Error {
  override readonly name = "PostureDoorError";
  readonly code: "unanswered" | "malformed_answer";

  constructor(code: PostureDoorError["code"], options?: ErrorOptions) {
    super(`the program that mends this host gave no usable answer (${code})`, options);
    this.code = code;
  }
}

export function postureDoor(carry: Carrier): PostureDoor {
  const ask = async (order: Order): Promise<Answer> => {
    const result = v.safeParse(answerSchema, await carry(order));
    if (!result.success) throw new PostureDoorError("malformed_answer");
    return result.output;
  };
  return {
    plan: (wanted) => ask({ verb: "plan", wanted }),
    apply: (order) => ask({ verb: "apply", ...order }),
    rollback: (order) => ask({ verb: "rollback", ...order }),
    fixes: () => ask({ verb: "fixes" }),
  };
}
