/**
 * Who may open what of an installed host, as data: an installation makes it so, an upgrade checks it, a removal knows what
 * was made. Directories come before what is in them.
 */
import { USERS, type HostLayout } from "./layout.ts";

export interface Owned {
  readonly path: string;
  readonly kind: "directory" | "file";
  readonly owner: string;
  readonly group: string;
  readonly mode: number;
}

/**
 * The state directory may be searched by everybody and listed by root alone: link and reader reach their own part of it.
 * `host.json` says where the edge is and holds no secret; without it neither could start.
 */
export function ownership(layout: HostLayout): readonly Owned[] {
  const { warden: root, link, reader } = USERS;
  const directory = (path: string, user: string, mode: number): Owned => {
    return { path, kind: "directory", owner: user, group: user, mode };
  };
  return [
    directory(layout.data, root, 0o711),
    directory(layout.state, root, 0o711),
    { path: layout.hostFile, kind: "file", owner: root, group: root, mode: 0o644 },
    directory(layout.wardenState, root, 0o700),
    directory(layout.gatewayState, root, 0o700),
    directory(layout.postureState, root, 0o700),
    directory(layout.linkState, link, 0o700),
    { path: `${layout.linkState}/tls.json`, kind: "file", owner: link, group: link, mode: 0o600 },
    directory(layout.readerState, reader, 0o700),
  ];
}
