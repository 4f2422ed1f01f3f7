/**
 * What a collector may do to the machine it looks at: run a listed program with an argument vector, read files, try a
 * connection. Handed in, so that a test can stand in for a machine, and so that nothing here builds a command line from text.
 */

/** `missing`: no such program here. `forbidden`: it is not on our list, which is a mistake of ours. */
export type Ran =
  | { readonly kind: "ran"; readonly exit: number; readonly stdout: string; readonly stderr: string }
  | { readonly kind: "missing" | "timeout" | "too_much" };

export interface RunOptions {
  readonly milliseconds?: number;
  readonly maxBytes?: number;
  readonly input?: string;
  /** Runs it as this user and group, without any other group; needs root. */
  readonly as?: { readonly uid: number; readonly gid: number };
}

export type FileText =
  | { readonly kind: "text"; readonly text: string; readonly uid: number; readonly mode: number }
  | { readonly kind: "absent" | "denied" | "too_large" | "not_a_file" };

export interface FileFacts {
  readonly kind: "file" | "directory" | "link" | "socket" | "other";
  readonly uid: number;
  readonly gid: number;
  /** Permission bits alone, e.g. 0o600. */
  readonly mode: number;
  readonly size: number;
  /** Seconds since 1970. */
  readonly modified: number;
  readonly device: number;
  readonly inode: number;
}

/** `filtered`: no answer in time. `closed`: refused at once. */
export interface Tried {
  readonly outcome: "open" | "closed" | "filtered" | "unreachable" | "failed";
  /** The first bytes that the other end sent by itself, printable characters only. */
  readonly banner?: string;
}

export interface HttpTried {
  readonly outcome: "answered" | "closed" | "filtered" | "failed";
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** At most 64 KiB. */
  readonly body?: string;
}

export interface Machine {
  readonly isRoot: boolean;
  readonly uid: number;
  /** Wall clock, whole seconds. */
  readonly now: () => number;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly homeDirectory: string;
  /** argv that runs this program again, e.g. for a probe as another user. */
  readonly self: readonly string[];
  readonly run: (argv: readonly string[], options?: RunOptions) => Promise<Ran>;
  readonly read: (path: string, maxBytes?: number) => Promise<FileText>;
  /** Undefined when there is nothing. Does not follow a link. @throws nothing: what may not be seen is undefined too */
  readonly look: (path: string) => Promise<FileFacts | undefined>;
  /** Names in a directory; undefined when it is not there or closed to us. At most 20,000. */
  readonly list: (path: string) => Promise<readonly string[] | undefined>;
  readonly linkTarget: (path: string) => Promise<string | undefined>;
  readonly tcp: (host: string, port: number, options?: { milliseconds?: number; banner?: boolean }) => Promise<Tried>;
  readonly http: (
    url: string,
    options?: {
      milliseconds?: number;
      method?: "GET" | "POST";
      headers?: Readonly<Record<string, string>>;
      body?: string;
    },
  ) => Promise<HttpTried>;
}
