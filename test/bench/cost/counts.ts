/** What Cloudflare charges for, counted while the real Worker and its objects work. */
export interface Counted {
  /** Invocations of the Worker. */
  requests: number;
  /** Calls of objects and sockets opened to them. */
  objectRequests: number;
  alarms: number;
  /** Frames that came in on sockets and woke their object; twenty are charged as one request. */
  messages: number;
  objectRowsRead: number;
  objectRowsWritten: number;
  databaseQueries: number;
  databaseRowsRead: number;
  databaseRowsWritten: number;
}

export const NOTHING: Readonly<Counted> = {
  requests: 0,
  objectRequests: 0,
  alarms: 0,
  messages: 0,
  objectRowsRead: 0,
  objectRowsWritten: 0,
  databaseQueries: 0,
  databaseRowsRead: 0,
  databaseRowsWritten: 0,
};

export const counts: Counted = { ...NOTHING };
