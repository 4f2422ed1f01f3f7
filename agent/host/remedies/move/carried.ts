/**
 * What a move is told and keeps: whose gateway goes where. It stands in the transaction's record as text, so that the way back needs
 * nothing else; our own words in root's file, parsed again all the same.
 */
import * as v from "valibot";
import { count } from "../../../../protocol/fields.ts";

/** Not OpenClaw's own name for its unit: that one may be somebody's, and is left as it is. */
export const OWN_UNIT = "openclaw-isolated.service";
export const OWN_UNIT_FILE = `/etc/systemd/system/${OWN_UNIT}`;
export const OWN_USER = "openclaw";
export const OWN_HOME = "/home/openclaw";
/** Root's alone; systemd hands it to the service. */
export const ENVIRONMENT_FILE = "/etc/openclaw-isolated.env";

const path = v.pipe(v.string(), v.regex(/^\/[A-Za-z0-9@_+.,/-]+$/));
const name = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/));
const unit = v.pipe(v.string(), v.regex(/^[A-Za-z0-9:_.@\\-]+\.service$/));

export const formerSchema = v.strictObject({
  /** `user`: a service of that user's own service manager. */
  kind: v.picklist(["system", "user"]),
  unit,
  user: name,
  uid: count,
  gid: count,
});
export type Former = v.InferOutput<typeof formerSchema>;

export const carriedSchema = v.strictObject({
  former: formerSchema,
  /** The former state directory, and which one it is: its name may lead elsewhere by then. */
  from: path,
  directory: v.strictObject({ device: count, inode: count, uid: count, gid: count, mode: count }),
  /** The new user's home; the state is in `.openclaw` below. */
  home: path,
  /** It was there before, and stays when all is taken back. */
  hadHome: v.boolean(),
  port: count,
  hasEnvironment: v.boolean(),
});
export type Carried = v.InferOutput<typeof carriedSchema>;

export function carriedIn(text: string): Carried {
  return v.parse(carriedSchema, JSON.parse(text));
}

export const stateIn = (home: string): string => `${home}/.openclaw`;
