/** How each check of this area is judged. */
import type { CheckId } from "../../../../protocol/posture.ts";
import type { Judgement } from "../judge.ts";

export const identityJudgements: Partial<Record<CheckId, Judgement>> = {};
