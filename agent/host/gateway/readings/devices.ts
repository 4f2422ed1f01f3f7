/** Paired devices and those that ask. The gateway shows the devices of others to administrators alone. */
import type { ReadResult } from "../../../../protocol/reads.ts";
import { ownDeviceIds } from "../own-devices.ts";
import { ReadingError } from "../reading-error.ts";
import { deviceRequestSubject, deviceSubject } from "../subjects.ts";
import { field } from "../wire.ts";
import type { Asking } from "./asking.ts";
import { name, present, seconds, text, texts } from "./shown.ts";

type Devices = ReadResult<"gateway.devices@1">;
type Device = Devices["devices"][number];
type Request = Devices["waiting"][number];

const MAX_DEVICES = 200;
const MAX_WAITING = 50;
const MAX_ID_CHARACTERS = 512;

export async function readDevices({ wide, deps, now }: Asking): Promise<Devices> {
  const answer = await wide.ask("device.pair.list");
  const paired = listIn(answer, "paired");
  const waiting = listIn(answer, "pending");
  const own = ownDeviceIds(deps.directory);
  const { tags } = wide;
  return {
    at: now,
    devices: paired.slice(0, MAX_DEVICES).flatMap((row) => {
      const id = idOf(row, "deviceId");
      return id === undefined ? [] : [deviceOf(row, { tag: tags.tag("device", id), isOurs: own.has(id) })];
    }),
    waiting: waiting.slice(0, MAX_WAITING).flatMap((row) => {
      const id = idOf(row, "requestId");
      return id === undefined ? [] : [requestOf(row, tags.tag("device-request", id))];
    }),
    more: paired.length > MAX_DEVICES || waiting.length > MAX_WAITING,
  };
}

function listIn(answer: unknown, key: string): readonly unknown[] {
  const list = field(answer, key);
  if (!Array.isArray(list)) throw new ReadingError("gateway");
  return list;
}

function idOf(row: unknown, key: string): string | undefined {
  const id = field(row, key);
  return typeof id === "string" && id !== "" && id.length <= MAX_ID_CHARACTERS ? id : undefined;
}

/** What it calls itself; else what the owner calls it; else the beginning of its id. */
function nameOf(row: unknown): string {
  const named = name(field(row, "displayName")) ?? name(field(row, "operatorLabel"));
  return named ?? text(field(row, "deviceId"), 12) ?? "";
}

function common(row: unknown): Pick<Request, "name" | "roles" | "scopes"> & { platform?: string } {
  const role = text(field(row, "role"), 32);
  const roles = texts(field(row, "roles"), 32, 8);
  return {
    name: nameOf(row),
    roles: roles.length > 0 || role === undefined ? roles : [role],
    scopes: texts(field(row, "scopes"), 64, 24),
    ...present({ platform: text(field(row, "platform"), 64) }),
  };
}

function deviceOf(row: unknown, { tag, isOurs }: { readonly tag: string; readonly isOurs: boolean }): Device {
  return {
    tag,
    subject: deviceSubject(row),
    ...common(row),
    connected: field(row, "connected") === true,
    isOurs,
    ...present({
      client: text(field(row, "clientId"), 64),
      approvedVia: text(field(row, "approvedVia"), 32),
      createdAt: seconds(field(row, "createdAtMs")),
      lastSeenAt: seconds(field(row, "lastSeenAtMs")),
    }),
  };
}

function requestOf(row: unknown, tag: string): Request {
  const askedAt = seconds(field(row, "ts") ?? field(row, "requestedAtMs"));
  return { tag, subject: deviceRequestSubject(row), ...common(row), ...present({ askedAt }) };
}
