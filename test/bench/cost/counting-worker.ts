/**
 * The Worker as it is shipped, with everything counted that Cloudflare charges for. Calls to objects are counted where they
 * leave, because a method that an object calls on itself is free; messages and alarms where they arrive.
 */
import worker, * as shipped from "../../../worker/index.ts";
import type { Env } from "../../../durable-objects/env.ts";
import { counts, type Counted } from "./counts.ts";

type Cursor = SqlStorageCursor<Record<string, SqlStorageValue>>;
const cursors: Cursor[] = [];

function settle(): void {
  for (const { rowsRead, rowsWritten } of cursors.splice(0)) {
    counts.objectRowsRead += rowsRead;
    counts.objectRowsWritten += rowsWritten;
  }
}

function countSql(storage: DurableObjectStorage): void {
  const { sql } = storage;
  const exec = sql.exec.bind(sql);
  Object.defineProperty(sql, "exec", {
    value: (query: string, ...bindings: SqlStorageValue[]) => {
      const cursor = exec(query, ...bindings);
      cursors.push(cursor as unknown as Cursor);
      return cursor;
    },
  });
  const setAlarm = storage.setAlarm.bind(storage);
  Object.defineProperty(storage, "setAlarm", {
    value: (at: number | Date) => {
      counts.objectRowsWritten += 1; // each is charged as one
      return setAlarm(at);
    },
  });
}

interface Meta {
  readonly meta?: { readonly rows_read?: number; readonly rows_written?: number };
}
interface Session {
  _sendOrThrow(...input: readonly unknown[]): Promise<Meta | readonly Meta[]>;
}

/** The binding's own way out: every kind of query passes it, and the answer carries the rows. */
function countDatabase(binding: D1Database): void {
  const session = (binding as unknown as { readonly alwaysPrimarySession: Session }).alwaysPrimarySession;
  const send = session._sendOrThrow.bind(session);
  session._sendOrThrow = async (...input) => {
    const answer = await send(...input);
    counts.databaseQueries += 1;
    for (const { meta } of Array.isArray(answer) ? (answer as readonly Meta[]) : [answer as Meta]) {
      counts.databaseRowsRead += meta?.rows_read ?? 0;
      counts.databaseRowsWritten += meta?.rows_written ?? 0;
    }
    return answer;
  };
}

/** A stub whose every call is one request. */
function countStub(stub: object): object {
  return new Proxy(stub, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return (...input: readonly unknown[]) => {
        counts.objectRequests += 1;
        return Reflect.apply(member, target, input) as unknown;
      };
    },
  });
}

interface Namespace {
  getByName(name: string): object;
}
const counted = new WeakMap<object, Env>();

function countEnv(env: Env): Env {
  const known = counted.get(env);
  if (known !== undefined) return known;
  countDatabase(env.DB);
  const bindings = Object.entries(env).map(([name, binding]: [string, unknown]) => {
    if (typeof binding !== "object" || binding === null || !("getByName" in binding)) return [name, binding] as const;
    const namespace = binding as Namespace;
    return [name, { getByName: (key: string) => countStub(namespace.getByName(key)) }] as const;
  });
  const result = Object.fromEntries(bindings) as unknown as Env;
  counted.set(env, result);
  return result;
}

type ObjectClass = new (state: DurableObjectState, env: Env) => object;
interface Handlers {
  webSocketMessage?(...input: readonly unknown[]): unknown;
  alarm?(...input: readonly unknown[]): unknown;
}

/** As the class, counted. Its methods stay its own, so that callers see no difference. */
function count<C extends ObjectClass>(shippedClass: C): C {
  const Class = class extends (shippedClass as ObjectClass) {
    constructor(state: DurableObjectState, env: Env) {
      countSql(state.storage);
      super(state, countEnv(env));
    }
  };
  const from = shippedClass.prototype as Handlers;
  const onto = Class.prototype as Handlers;
  const wrap = (name: keyof Handlers, key: keyof Counted): void => {
    const handler = from[name];
    if (handler === undefined) return;
    onto[name] = function (this: object, ...input: readonly unknown[]) {
      counts[key] += 1;
      return handler.apply(this as Handlers, [...input]);
    };
  };
  wrap("webSocketMessage", "messages");
  wrap("alarm", "alarms");
  return Class as unknown as C;
}

export const Alerts = count(shipped.Alerts);
export const Exports = count(shipped.Exports);
export const Host = count(shipped.Host);
export const Ledger = count(shipped.Ledger);
export const LedgerSegment = count(shipped.LedgerSegment);
export const Limits = count(shipped.Limits);
export const Sessions = count(shipped.Sessions);
export const Streams = count(shipped.Streams);

export default {
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    if (new URL(request.url).pathname === "/admin/bench-counts") {
      settle();
      return Response.json(counts);
    }
    counts.requests += 1;
    return worker.fetch(request, countEnv(env), context);
  },
} satisfies ExportedHandler<Env>;
