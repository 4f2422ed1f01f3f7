/**
 * Open Cybersecurity Schema Framework 1.8.0: one JSON object a line. Required attributes of each class are always there;
 * what the schema has no place for is in `unmapped`, the place and the hashes of the entry among it. Pure.
 */
import { exportedActions, levels, ocsfClasses, type OcsfClass } from "./actions.ts";
import { UNREADABLE } from "./csv.ts";
import { actorOf, subjectOf, timeOf, type LedgerEvent, type Outcome, type UnreadableEvent } from "./event.ts";

const OCSF_VERSION = "1.8.0";
const PRODUCT = { name: "Clawhold", vendor_name: "Clawhold" } as const;
const OTHER = 99;

type Json = Readonly<Record<string, unknown>>;

export function ocsfLine(event: LedgerEvent | UnreadableEvent): string {
  return `${JSON.stringify(event.entry === undefined ? unreadable(event) : readable(event))}\n`;
}

function readable(event: LedgerEvent): Json {
  const { index, digest, leaf, entry, what, level, outcome, country, device } = event;
  const { ocsf } = exportedActions[entry.action];
  const { workspace, action, actor, target } = entry;
  return {
    ...classOf(ocsf.class, ocsf.activity),
    ...(ocsf.activity === OTHER ? { activity_name: action } : {}),
    time: entry.at,
    severity_id: levels[level].ocsf,
    message: what,
    ...statusOf(outcome),
    metadata: {
      version: OCSF_VERSION,
      product: PRODUCT,
      uid: `${workspace}/${index}`,
      sequence: index,
      event_code: action,
      log_name: "activity",
      original_time: timeOf(entry),
      tenant_uid: workspace,
    },
    ...classAttributes[ocsf.class](event),
    unmapped: {
      index,
      entry_digest: digest,
      leaf_hash: leaf,
      actor,
      ...(target === undefined ? {} : { target }),
      ...(country === undefined ? {} : { country }),
      ...(device === undefined ? {} : { device }),
      detail: entry.detail,
    },
  };
}

function unreadable({ index, digest, leaf }: UnreadableEvent): Json {
  return {
    ...classOf("base", OTHER),
    activity_name: "unreadable",
    time: 0,
    severity_id: levels.critical.ocsf,
    message: UNREADABLE,
    metadata: { version: OCSF_VERSION, product: PRODUCT, sequence: index },
    unmapped: { index, entry_digest: digest, ...(leaf === undefined ? {} : { leaf_hash: leaf }) },
  };
}

function classOf(name: OcsfClass, activity: number): Json {
  const uid = ocsfClasses[name];
  return {
    class_uid: uid,
    category_uid: Math.floor(uid / 1_000),
    activity_id: activity,
    type_uid: uid * 100 + activity,
  };
}

/** Findings have a status of their own. */
function statusOf(outcome: Outcome): Json {
  return { status_id: { success: 1, failure: 2, unknown: 0 }[outcome] };
}

const FINDING_STATUS = { 1: 1, 2: 2, 3: 4 } as const satisfies Record<number, number>;

/** What each class requires beyond the base event, and what it has a place for. */
const classAttributes = {
  // The base event has no place for whoever acted.
  base: () => ({}),
  authentication: (event) => ({
    ...endpointAttribute(event),
    actor: actorObject(event),
    user: userObject(event),
    service: { name: PRODUCT.name, uid: event.entry.workspace },
    ...sessionAttribute(event),
  }),
  account: (event) => ({
    ...endpointAttribute(event),
    actor: actorObject(event),
    user: userObject(event),
  }),
  entity: (event) => ({
    ...endpointAttribute(event),
    actor: actorObject(event),
    entity: { uid: subjectOf(event.entry), type_id: OTHER, type: event.entry.action.replace(/\..*$/, "") },
  }),
  api: (event) => ({
    actor: actorObject(event),
    api: { operation: event.entry.detail.operation ?? event.entry.action },
    src_endpoint: sourceObject(event),
    resources: [{ uid: subjectOf(event.entry), role_id: 1 }],
  }),
  finding: (event) => {
    const { activity } = exportedActions[event.entry.action].ocsf;
    const { alert, code } = event.entry.detail;
    return {
      status_id: FINDING_STATUS[activity as keyof typeof FINDING_STATUS],
      is_alert: true,
      finding_info: { uid: alert ?? `${event.entry.workspace}/${event.index}`, title: code ?? event.what },
      resources: [{ uid: subjectOf(event.entry), role_id: 3 }],
    };
  },
} as const satisfies Record<OcsfClass, (event: LedgerEvent) => Json>;

/** 1: a person. 3: a machine. 4: a service. */
const USER_TYPES: Readonly<Record<string, number>> = { person: 1, host: 3, automation: 4 };

function actorObject({ entry }: LedgerEvent): Json {
  const { kind, id } = actorOf(entry);
  if (kind === "edge") return { app_name: "Clawhold edge" };
  return { user: id === undefined ? { name: kind, type_id: 0 } : { uid: id, type_id: USER_TYPES[kind] ?? OTHER } };
}

/** Whose session or account it is: the person acted on, otherwise whoever acted. */
function userObject({ entry }: LedgerEvent): Json {
  const { kind, id } = actorOf(entry);
  const uid = entry.target ?? id;
  return uid === undefined ? { name: kind, type_id: 0 } : { uid, type_id: 1 };
}

/** Required, and it must say something: an address may never have been there, or be erased. */
function sourceObject({ source, entry }: LedgerEvent): Json {
  if (source !== undefined) return { ip: source };
  return entry.actor.kind === "host" ? { uid: entry.actor.id } : { name: "not recorded" };
}

function endpointAttribute({ source }: LedgerEvent): Json {
  return source === undefined ? {} : { src_endpoint: { ip: source } };
}

function sessionAttribute({ entry }: LedgerEvent): Json {
  const { session } = entry.detail;
  return session === undefined ? {} : { session: { uid: session } };
}
