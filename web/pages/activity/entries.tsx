/** One row of the log: what happened in a sentence, from where, when, and its seal. Or, for the signature log, who signed. */
import type { ComponentChildren } from "preact";
import { SealMark, SealWith, State } from "../../components/state.tsx";
import { formatClock, formatDay, formatExact, formatIndex, formatIso, formatTitle } from "../../format.ts";
import { Icon, type IconName } from "../../icons.tsx";
import { formatRoute, type ActivityRoute } from "../../router.ts";
import { useApp } from "../../state/app.ts";
import type { LedgerEntry, LogItem, Mark, Witnessed } from "../../state/ledger.ts";
import type { Shape } from "../../state/condition.ts";
import { wasRefused } from "./filter.ts";
import { Sentence, iconOf, reasonOf } from "./sentences.tsx";
import { signatureOf, type Signature, type SignatureVerdict } from "./signatures.ts";
import { useWaitingNames } from "./waiting-names.ts";

interface RowProps {
  readonly index: number;
  /** Undefined: on its way. */
  readonly item: LogItem | undefined;
  readonly route: ActivityRoute;
  /** The keyboard stands here. */
  readonly isCurrent: boolean;
}

export function LogRow({ index, item, route, isCurrent }: RowProps) {
  const link = { href: formatRoute({ ...route, entry: index }), isOpen: route.entry === index, isCurrent };
  const named = useWaitingNames();
  const shown = item?.entry === undefined ? item : { ...item, entry: named(item.entry) };
  return <Frame {...link} {...partsOf(index, shown, route)} />;
}

/** What a row is made of. One frame for all: an entry that arrives must not take the focus from where it was awaited. */
interface Parts {
  readonly icon: IconName;
  readonly isBad?: boolean;
  readonly said: ComponentChildren;
  readonly meta: ComponentChildren;
  readonly end?: ComponentChildren;
}

function partsOf(index: number, item: LogItem | undefined, route: ActivityRoute): Parts {
  if (item === undefined) return awaited(index);
  const { entry, broken } = item;
  if (entry === undefined) {
    // Whatever the edge shows at this place, it is no entry of this log.
    const end = <SealWith state="failed">Does not add up</SealWith>;
    return { icon: "bad", isBad: true, said: broken, meta: <span class="num">#{index}</span>, end };
  }
  const signature = route.show === "signatures" ? signatureOf(entry) : undefined;
  const failed = entry.seal.state === "failed";
  return {
    icon: failed ? "bad" : iconOf(entry),
    isBad: failed,
    said: signature === undefined ? <Sentence entry={entry} /> : <Signed signature={signature} />,
    meta:
      signature?.rule === undefined ? <Meta item={item} entry={entry} /> : <Rule index={index} rule={signature.rule} />,
    end: (
      <>
        <When at={entry.at} />
        {signature === undefined ? <SealMark seal={entry.seal} /> : <Verdict verdict={signature.verdict} />}
      </>
    ),
  };
}

function awaited(index: number): Parts {
  const said = (
    <>
      <span class="faint num">#{index}</span>
      <span class="sr">, on its way</span>
    </>
  );
  return { icon: "pending", said, meta: <span class="skeleton w2" /> };
}

function Signed({ signature: { message, by } }: { readonly signature: Signature }) {
  return (
    <>
      {message}, by <bdi>{by}</bdi>
    </>
  );
}

interface FrameProps extends Parts {
  readonly href: string;
  readonly isOpen: boolean;
  readonly isCurrent: boolean;
}

function Frame({ icon, isBad = false, said, meta, end, href, isOpen, isCurrent }: FrameProps) {
  return (
    <div class={isOpen ? "entry open" : "entry"}>
      <Icon name={icon} class={isBad ? "t-bad" : undefined} />
      <span class="said" role="cell">
        <a class="say" href={href} aria-current={isOpen ? "true" : undefined} tabIndex={isCurrent ? 0 : -1}>
          {said}
        </a>
      </span>
      <span class="meta" role="cell">
        {meta}
      </span>
      <span class="seal" role="cell">
        {end}
      </span>
    </div>
  );
}

const markNames = {
  "new-country": "New country",
  "new-device": "New device",
  "odd-hour": "Odd hour",
  burst: "Burst",
  "refused-then-accepted": "Refused before",
} as const satisfies Record<Mark["rule"], string>;

export function Marks({ marks }: { readonly marks: readonly Mark[] }) {
  return (
    <>
      {marks.map(({ rule, why }) => (
        <span key={rule} class="stands-out" title={why}>
          <Icon name="warn" class="s" />
          {markNames[rule]}
          <span class="sr">: {why}</span>
        </span>
      ))}
    </>
  );
}

const witnessWords = {
  witnessed: "witnessed",
  signed: "not witnessed yet",
  unsigned: "not signed yet",
} as const satisfies Record<Witnessed, string>;

function Meta({ item, entry }: { readonly item: LogItem; readonly entry: LedgerEntry }) {
  const { detail, source, partner, country, device } = entry;
  return (
    <>
      {item.findings.map(({ code, weight, what }) => (
        <span key={code} class={weight === "wrong" ? "stands-out t-bad" : "stands-out"} title={what}>
          <Icon name={weight === "wrong" ? "bad" : "unknown"} class="s" />
          {weight === "wrong" ? "Cross-check" : "Open"}
          <span class="sr">: {what}</span>
        </span>
      ))}
      <Marks marks={item.marks} />
      <span class="num">#{entry.index}</span>
      {wasRefused(entry) && detail.code !== undefined && (
        <span>
          rule <code>{detail.code}</code>
        </span>
      )}
      {source !== undefined && <span class="num">{source}</span>}
      {country !== undefined && <span>{country}</span>}
      {device !== undefined && (
        <span>
          <bdi>{device}</bdi>
        </span>
      )}
      {entry.action === "command.receipt" && partner !== undefined && <span>asked for in #{partner}</span>}
      {entry.action === "command.accepted" && partner !== undefined && <span>answered in #{partner}</span>}
      <span>{witnessWords[item.witnessed]}</span>
    </>
  );
}

function Rule({ index, rule }: { readonly index: number; readonly rule: string }) {
  return (
    <>
      <span class="num">#{formatIndex(index)}</span>
      <span>
        <code>{rule}</code> {reasonOf(rule)}
      </span>
    </>
  );
}

const verdicts = {
  verified: { shape: "ok", word: "Verified here" },
  taken: { shape: "unknown", word: "Taken by the edge" },
  refused: { shape: "bad", word: "Refused" },
  false: { shape: "bad", word: "Does not add up" },
} as const satisfies Record<SignatureVerdict, { readonly shape: Shape; readonly word: string }>;

function Verdict({ verdict }: { readonly verdict: SignatureVerdict }) {
  const { shape, word } = verdicts[verdict];
  return <State shape={shape}>{word}</State>;
}

/** The clock today, the day and the clock before: rows have no heading of their own. */
function When({ at }: { readonly at: number }) {
  const { now, exactTimes } = useApp();
  const day = formatDay(at, now.value);
  return (
    <time dateTime={formatIso(at)} title={formatTitle(at)}>
      {exactTimes.value ? formatExact(at) : day === "Today" ? formatClock(at) : `${shortDay(day)} ${formatClock(at)}`}
    </time>
  );
}

/** `Yesterday, 19 November` is too long for the end of a row. */
function shortDay(day: string): string {
  return day.replace(/^Yesterday, /, "").replace(/^(\d+) ([A-Z][a-z]{2})[a-z]*/, "$1 $2");
}
