/** One row of the log: what happened in a sentence, from where, when, and its seal. Or, for the signature log, who signed. */
import type { ComponentChildren } from "preact";
import { SealMark, SealWith, State } from "../../components/state.tsx";
import { formatClock, formatDay, formatExact, formatIndex, formatIso, formatTitle } from "../../format.ts";
import { Icon } from "../../icons.tsx";
import { formatRoute, type ActivityRoute } from "../../router.ts";
import { useApp } from "../../state/app.ts";
import type { LedgerEntry, LogItem, Mark, Witnessed } from "../../state/ledger.ts";
import type { Shape } from "../../state/condition.ts";
import { wasRefused } from "./filter.ts";
import { Sentence, iconOf, reasonOf } from "./sentences.tsx";
import { signatureOf, type SignatureVerdict } from "./signatures.ts";

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
  if (item === undefined) return <Awaited index={index} {...link} />;
  const { entry } = item;
  if (entry === undefined) return <BrokenRow item={item} {...link} />;
  const signature = route.show === "signatures" ? signatureOf(entry) : undefined;
  const failed = entry.seal.state === "failed";
  return (
    <div class={link.isOpen ? "entry open" : "entry"}>
      <Icon name={failed ? "bad" : iconOf(entry)} class={failed ? "t-bad" : undefined} />
      <Say {...link}>
        {signature === undefined ? (
          <Sentence entry={entry} />
        ) : (
          <>
            {signature.message}, by <bdi>{signature.by}</bdi>
          </>
        )}
      </Say>
      <span class="meta" role="cell">
        {signature?.rule === undefined ? (
          <Meta item={item} entry={entry} />
        ) : (
          <Rule index={index} rule={signature.rule} />
        )}
      </span>
      <span class="seal" role="cell">
        <When at={entry.at} />
        {signature === undefined ? <SealMark seal={entry.seal} /> : <Verdict verdict={signature.verdict} />}
      </span>
    </div>
  );
}

interface SayProps {
  readonly href: string;
  readonly isOpen: boolean;
  readonly isCurrent: boolean;
  readonly children: ComponentChildren;
}

function Say({ href, isOpen, isCurrent, children }: SayProps) {
  return (
    <span class="said" role="cell">
      <a class="say" href={href} aria-current={isOpen ? "true" : undefined} tabIndex={isCurrent ? 0 : -1}>
        {children}
      </a>
    </span>
  );
}

/** A link already: the keyboard comes here before the entry does. */
function Awaited({ index, ...link }: Omit<SayProps, "children"> & { readonly index: number }) {
  return (
    <div class="entry" aria-busy="true">
      <Say {...link}>
        <span class="faint num">#{index}</span>
        <span class="sr">, on its way</span>
      </Say>
      <span class="meta" role="cell">
        <span class="skeleton w2" />
      </span>
    </div>
  );
}

/** Whatever the edge shows at this place, it is no entry of this log. */
function BrokenRow({ item, ...link }: Omit<SayProps, "children"> & { readonly item: LogItem }) {
  return (
    <div class={link.isOpen ? "entry open" : "entry"}>
      <Icon name="bad" class="t-bad" />
      <Say {...link}>{item.broken}</Say>
      <span class="meta num" role="cell">
        #{item.index}
      </span>
      <span class="seal" role="cell">
        <SealWith state="failed">Does not add up</SealWith>
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
