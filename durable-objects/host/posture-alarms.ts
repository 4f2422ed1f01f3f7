/**
 * What a host's posture means for people who do not look: a check that passed and fails now, an acceptance that runs out.
 * Raised when it begins, taken back when it is over; each is the host's word. One that fails from the first look on is no news:
 * it stands on the page.
 */
import * as v from "valibot";
import { checks, type CheckId } from "../../protocol/posture.ts";
import { checkNames } from "../../protocol/posture/ids.ts";
import { checkSeverities } from "../../protocol/posture/words.ts";
import type { PostureFigures, Telemetry } from "../../protocol/telemetry.ts";
import type { Alarms } from "../alert-client.ts";
import type { NewAlert } from "../alerts/alert-table.ts";
import { edgeSeconds } from "../clock.ts";
import type { HostStore } from "./store.ts";

/** A host that makes things up must not fill the log: beyond so many in an hour the page alone says it. */
export const POSTURE_ALARMS_PER_HOUR = 24;
const HOUR_SECONDS = 3_600;
/** Time enough to mend it, or to ask whoever accepted it. */
export const WAIVER_NOTICE_SECONDS = 7 * 86_400;

/** `good`: what held when it was last known for certain. `raised`: what was told and not taken back. */
const keptSchema = v.strictObject({
  good: v.array(v.picklist(checkNames)),
  raised: v.array(v.picklist(checkNames)),
  waiver: v.boolean(),
});
export type KeptPosture = v.InferOutput<typeof keptSchema>;

export interface PostureNews {
  readonly kept: KeptPosture;
  readonly began: readonly CheckId[];
  readonly over: readonly CheckId[];
  /** When the first acceptance ends; false: none ends soon any more. */
  readonly waiver?: number | false;
}

export const nothingKept: KeptPosture = { good: [], raised: [], waiver: false };

/**
 * Pure. What was not seen for certain (`error`, `unverified`), or is accepted, changes nothing. `room`: how much may be told now,
 * the gravest first; the rest is kept as it was, so it is told when there is room again.
 */
export function newsOf(
  before: KeptPosture,
  now: PostureFigures,
  { at, room }: { at: number; room: number },
): PostureNews {
  const good = new Set(before.good);
  const raised = new Set(before.raised);
  const waived = new Set(now.waived);
  const holds = [...now.pass, ...now.notApplicable];
  const broken = now.fail.filter((check) => good.has(check) && !raised.has(check) && !waived.has(check));
  const began = broken.toSorted((a, b) => gravityOf(a) - gravityOf(b)).slice(0, room);
  const over = before.raised
    .filter((check) => holds.includes(check) || waived.has(check))
    .slice(0, room - began.length);
  for (const check of holds) good.add(check);
  for (const check of began) {
    good.delete(check);
    raised.add(check);
  }
  for (const check of over) raised.delete(check);
  const ends = now.waivedUntil;
  const isEnding = ends !== undefined && ends - at < WAIVER_NOTICE_SECONDS;
  const told = began.length + over.length;
  const waiver = isEnding === before.waiver || told >= room ? {} : { waiver: isEnding ? ends : (false as const) };
  const inOrder = (set: ReadonlySet<CheckId>) => checkNames.filter((check) => set.has(check));
  return {
    kept: { good: inOrder(good), raised: inOrder(raised), waiver: "waiver" in waiver ? isEnding : before.waiver },
    began,
    over,
    ...waiver,
  };
}

const gravityOf = (check: CheckId): number => checkSeverities.indexOf(checks[check].severity);

export class PostureAlarms {
  readonly #alarms: Alarms;
  readonly #store: HostStore;
  /** Durable. */
  #kept: KeptPosture;
  #hour = { since: 0, told: 0 };

  constructor(alarms: Alarms, store: HostStore) {
    this.#alarms = alarms;
    this.#store = store;
    const row = v.safeParse(keptSchema, JSON.parse(store.latest("posture-alarms") ?? "{}"));
    this.#kept = row.success ? row.output : nothingKept;
  }

  async heard(host: string, { posture }: Telemetry): Promise<void> {
    if (posture === undefined) return;
    const at = edgeSeconds();
    if (at - this.#hour.since >= HOUR_SECONDS) this.#hour = { since: at, told: 0 };
    const news = newsOf(this.#kept, posture, { at, room: POSTURE_ALARMS_PER_HOUR - this.#hour.told });
    const text = JSON.stringify(news.kept);
    if (text === JSON.stringify(this.#kept)) return;
    this.#kept = news.kept;
    this.#store.setLatest("posture-alarms", text);
    this.#hour.told += news.began.length + news.over.length + (news.waiver === undefined ? 0 : 1);
    await this.#tell(host, news);
  }

  /** All of it is told at once, so that what the next figures end is told after it began. */
  async #tell(host: string, { began, over, waiver }: PostureNews): Promise<void> {
    const ending = { kind: "posture.waiver-ending", subject: host } as const;
    await Promise.all([
      ...began.map((check) => this.#alarms.keep({ ...driftOf(host, check), host, detail: { check } })),
      ...over.map((check) => this.#alarms.settle(driftOf(host, check))),
      waiver === false && this.#alarms.settle(ending),
      typeof waiver === "number" && this.#alarms.keep({ ...ending, host, detail: { until: waiver } }),
    ]);
  }
}

/** Severity is the catalogue's, not the host's word. */
function driftOf(host: string, check: CheckId): Pick<NewAlert, "kind" | "subject"> {
  const kind = checks[check].severity === "critical" ? "posture.drift-critical" : "posture.drift";
  return { kind, subject: `${host} ${check}` };
}
