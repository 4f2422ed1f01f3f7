/** What a person reads when the rules of the trust log refuse a change. */
import { explainTrustRefusal, type TrustRefusal } from "../../protocol/trust/refusals.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import type { Trouble } from "../state/backend.ts";
import { hasTooFew } from "./judgement.ts";

/** The protocol's own sentence: what happened, then what to do. */
export function trustTrouble(code: TrustRefusal): Trouble {
  return { code, what: explainTrustRefusal(code) };
}

/** The same for a change of `state`, which may be the reason itself. */
export function refusedTrouble(state: TrustState, code: TrustRefusal): Trouble {
  return code === "too_few_admins" && hasTooFew(state) ? TOO_FEW_LEFT : trustTrouble(code);
}

const TOO_FEW_LEFT: Trouble = {
  code: "too_few_admins",
  what: "Fewer administrators are left than a rule of this workspace asks for, so nothing but revoking is possible.",
  why: "Adding an administrator, or loosening the rule, takes as many people as the rule says.",
  next: "Set up a new workspace, type clawhold trust reset on each host, and join it there.",
};
