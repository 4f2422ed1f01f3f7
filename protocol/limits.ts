/** Every limit of the protocol, each with its reason. Seconds unless the name says otherwise. */

/** An envelope holds one intent, a session certificate and a few assertions (about 3 KB); 64 KB leaves room for 64 targets. */
export const MAX_ENVELOPE_BYTES = 65_536;
/** One frame on a tunnel: an envelope in base64url plus its wrapper. Larger frames close the socket. */
export const MAX_FRAME_BYTES = 131_072;
/** One HTTP request body. Nothing that a page sends is larger than an envelope. */
export const MAX_BODY_BYTES = 131_072;
/** Nesting deeper than any message we define; stops stack exhaustion in parsers. */
export const MAX_DEPTH = 16;
/** clientDataJSON is under 300 bytes in every browser; extra members are allowed, floods are not. */
export const MAX_CLIENT_DATA_BYTES = 4_096;
/** Without extensions and attested data, authenticator data is rpIdHash (32), flags (1), counter (4). */
export const AUTHENTICATOR_DATA_BYTES = 37;
/** Credential ids: at most 1023 bytes by WebAuthn Level 2, section 5.8.3. */
export const MAX_CREDENTIAL_ID_BYTES = 1_023;
/** A step-up is worth a minute: long enough to read and touch, too short to keep for later. */
export const APPROVAL_SECONDS = 60;
/** A command that came in time may wait this long behind others on its host. */
export const MAX_QUEUE_SECONDS = 180;
/** An approval may lie at most this far ahead of the host's clock (page and host round differently). */
export const APPROVAL_SKEW_SECONDS = 2;
/** The longest an intent may stay deliverable after the host stated its time. */
export const MAX_INTENT_TTL_SECONDS = 300;
/** A challenge lives in the host's RAM for five minutes of its monotonic clock. */
export const CHALLENGE_SECONDS = 300;
/** A person reads one dialog at a time; four leaves room for tabs, and bounds what one key can hold. */
export const MAX_CHALLENGES_PER_ACTOR = 4;
/** A full table refuses the newcomer and never evicts: eviction would let one actor kill another's command. */
export const MAX_CHALLENGES_PER_HOST = 32;
/** A jump between wall and monotonic clock larger than this kills every challenge (suspend, snapshot, tampering). */
export const CLOCK_JUMP_SECONDS = 5;
/** Session certificates carry edge time; the host tolerates this much difference. */
export const SESSION_SKEW_SECONDS = 300;
/** No session outlives this, whatever a role says. */
export const MAX_SESSION_SECONDS = 43_200;
/** Administrators hold the keys to everything: two hours. */
export const ADMIN_SESSION_SECONDS = 7_200;
/** Everybody else: four hours. */
export const DEFAULT_SESSION_SECONDS = 14_400;
/** The edge ends a session that made no request for this long. */
export const SESSION_IDLE_SECONDS = 900;
/** More live sessions than this per person end the oldest. */
export const MAX_SESSIONS_PER_PERSON = 8;
/** One gesture ends at most this many sessions, as a fleet's binds hosts: each brings its sign-in, and all fit one frame. */
export const MAX_SESSIONS_PER_END = 64;
/** An API request's own signature is good for this long either side of the edge's clock. */
export const REQUEST_SKEW_SECONDS = 60;
/** One fleet gesture binds at most this many hosts. */
export const MAX_TARGETS = 64;
/** Approvals beyond the largest two-person rule serve nobody. */
export const MAX_APPROVALS = 8;
/** Journal lines live this long: far beyond any intent's life, so a replay always meets its receipt. */
export const JOURNAL_SECONDS = 90 * 86_400;
/** Setup link and join token: long enough for coffee, short enough for a shoulder. */
export const SETUP_SECONDS = 900;
export const JOIN_TOKEN_SECONDS = 900;
/** A ticket opens one socket or one download. */
export const TICKET_SECONDS = 30;
/** A sign-in nonce is issued before the authenticator opens and used once. */
export const NONCE_SECONDS = 300;
/** How long the edge waits for a host's answer to `prepare` before it says "no answer". */
export const PREPARE_TIMEOUT_SECONDS = 10;
/** A host that sent nothing for this long is shown as not heard from: a keep-alive is due every 25. */
export const SILENT_SECONDS = 45;
/** A sign of life on an idle tunnel, below the idle limits of the proxies in front of any edge. */
export const KEEP_ALIVE_SECONDS = 25;
/** A tunnel whose other end is gone without a word is found by then: asked for life at the next beat, cut at the one after. */
export const HALF_OPEN_SECONDS = 2 * KEEP_ALIVE_SECONDS;
/** After a sleep or a jump of the clock the tunnel is asked for life at once, and has this long to answer. */
export const LIFE_CHECK_SECONDS = 5;
/** An edge may ask its hosts to come back over at most this long: 100,000 hosts at 333 a second. */
export const MAX_DRAIN_SPREAD_SECONDS = 300;
/** Hosts that left together come back over this long where the edge did not say: 5,000 at 500 a second. */
export const DRAIN_SPREAD_SECONDS = 10;
/** Commands on their way to a host that it has not answered: all that a socket that does not drain can be made to hold. */
export const MAX_UNANSWERED_DELIVERIES = 16;
/** Questions to a host that it has not answered: half of what it takes, so that ours never look to it like a flood. */
export const MAX_UNANSWERED_PREPARES = 16;
/** Receipts on their way to the edge that it has not confirmed; the others wait in the journal. */
export const MAX_UNCONFIRMED_RECEIPTS = 64;
/** A host says its figures this often while somebody looks at them. */
export const TELEMETRY_SECONDS = 15;
/** Whoever looks is counted for this long, then asked for again: a page that is closed costs at most four more frames. */
export const WATCH_SECONDS = 60;
/** A host that nobody looks at says its figures only when they mean something else, and this often: each wakes its object. */
export const UNWATCHED_TELEMETRY_SECONDS = 21_600;
/** The challenge and nonces: 256 bits. */
export const NONCE_BYTES = 32;
/** Labels and names shown to people. */
export const MAX_LABEL_CHARACTERS = 64;
/** Trust statements in one `trust` frame or HTTP page. */
export const MAX_STATEMENTS_PER_PAGE = 64;
/** Ledger entries in one page of the activity API. */
export const MAX_ENTRIES_PER_PAGE = 500;
/** A client certificate of the local CA. Renewed at two thirds of its life. */
export const CLIENT_CERTIFICATE_SECONDS = 90 * 86_400;
/** Requests are spread over this part of a certificate's life: one day of 90. */
export const CERTIFICATE_SPREAD_PARTS = 90;
/** A host that got no certificate asks again after this long; a month is left, and each answer is a ledger entry. */
export const CERTIFICATE_RETRY_SECONDS = 3_600;
/** An honest host asks once an hour at most; a restart or a lost answer in between must not lock it out. */
export const MAX_CERTIFICATE_REQUESTS_PER_HOUR = 4;
/** Clocks of host and edge differ: a request this much before the edge finds it due is honest. */
export const CERTIFICATE_SKEW_SECONDS = 3_600;
/** Role grants end by themselves: whoever still needs one is asked for again, everybody else is forgotten. */
export const GRANT_SECONDS = 90 * 86_400;
/** A grant that ends within this time is announced, and can be renewed with one gesture. */
export const GRANT_NOTICE_SECONDS = 14 * 86_400;
/** Automation keys are granted for a while, like roles. */
export const MAX_AUTOMATION_KEY_SECONDS = 90 * 86_400;
/** A proposal waits this long for the next person, by the host's clock. */
export const MAX_PROPOSAL_SECONDS = 86_400;
/** Somebody whom one person alone has just added does not count beside that person. */
export const NEWCOMER_SECONDS = 86_400;
/** Two-person rules ask for at most this many people: one more than `MAX_APPROVALS` could ever carry serves nobody. */
export const MAX_PEOPLE = 8;
/** Revocations that one statement may be the first to know. */
export const MAX_KNEW = 64;
/** People, roles, automation keys and policies are lists that somebody reads: bounded far above any team. */
export const MAX_HOSTS_IN_SCOPE = 64;
/** An invitation waits for the invited person. */
export const INVITATION_SECONDS = 7 * 86_400;
/** An edge action (a setting of the edge itself) is approved and used at once. */
export const EDGE_ACTION_SECONDS = 300;
/** Refusals of one host, session or rule in a minute: one person who presses again after a mistake stays below it. */
export const ALERT_REFUSALS_PER_MINUTE = 5;
/** The same in an hour: a slow attempt, or a tab that was forgotten. */
export const ALERT_REFUSALS_PER_HOUR = 20;
/** Thresholds that somebody sets stay within this: above it nothing would ever be raised. */
export const MAX_ALERT_REFUSALS = 10_000;
/** Renewal is due with 30 days left (two thirds of 90): half of that without a renewal is a fault. */
export const CERTIFICATE_NOTICE_SECONDS = 14 * 86_400;
/** Alerts in one answer: what is not resolved, then the newest of the rest; the ledger has them all. */
export const MAX_ALERTS_LISTED = 200;
/** A far end that takes longer to accept a few hundred bytes is as good as down; the next attempt comes anyway. */
export const ALERT_SEND_SECONDS = 10;
/** Address of a webhook or an ntfy topic. */
export const MAX_TARGET_CHARACTERS = 512;
/** A checkpoint with the cosignatures of a fleet: 64 hosts of about 190 bytes each, and room for other witnesses. */
export const MAX_NOTE_BYTES = 32_768;
export const MAX_NOTE_SIGNATURES = 128;
/** On a tunnel a note carries the ledger key's line and at most the host's own. */
export const MAX_FRAME_NOTE_BYTES = 2_048;
/** A tree of 2^53 leaves has proofs of 53 hashes; a consistency proof needs at most one more. */
export const MAX_PROOF_HASHES = 54;
/** An entry waits at most this long until a checkpoint covers it (in fleets of up to 100 hosts): soon enough to be watched. */
export const CHECKPOINT_SECONDS = 10;
/** Every checkpoint goes to every host: for each of so many hosts the period is a second longer, from the 101st on. */
export const HOSTS_A_CHECKPOINT_SECOND = 10;
/** However large the fleet: half of the time after which a host whose receipt is not covered complains. */
export const MAX_CHECKPOINT_SECONDS = 300;
/** Receipts whose inclusion one exchange proves: 64 entries and proofs stay well below a frame. */
export const MAX_PROVEN_RECEIPTS = 32;
/** A host whose receipt is not proven to be in the log after this long stops cosigning, and says so. */
export const WITNESS_PATIENCE_SECONDS = 600;
/** A witness that cosigned nothing for a day is named: machines sleep, but not that long unnoticed. */
export const WITNESS_SILENT_SECONDS = 86_400;
/** Checkpoints whose cosigners one answer lists. */
export const MAX_CHECKPOINTS_LISTED = 20;
/** Entries read from the database for one filtered page: bounds one request, the page asks on from there. */
export const MAX_ENTRIES_SCANNED = 20_000;
/** A canonical entry: about 400 bytes, and never more than this. */
export const MAX_ENTRY_BYTES = 4_096;
/** Entries of one sealed segment: about 1.4 GB in D1 with receipts, so that the open and the newest full one fit. */
export const SEGMENT_ENTRIES = 1_000_000;
/** Far ends that follow the log live. */
export const MAX_STREAMS = 8;
/** Both secrets of a stream sign for this long after a rotation. */
export const STREAM_OVERLAP_SECONDS = 86_400;
/** Entries in one message to a far end, and how often one that the far end refuses is sent before it is set aside. */
export const MAX_STREAM_BATCH = 100;
export const MAX_STREAM_ATTEMPTS = 6;
/** The first pause after a failed message to a far end; it doubles up to an hour, for as long as it takes. */
export const STREAM_RETRY_SECONDS = 5;
export const MAX_STREAM_WAIT_SECONDS = 3_600;
/** A far end that takes nothing for this long is an alert: a restart takes less. */
export const STREAM_PATIENCE_SECONDS = 300;
/** How often the edge looks for new entries while anybody follows the log. */
export const STREAM_LOOK_SECONDS = 5;
/** A copy of the log may be fetched for this long after it was approved. */
export const EXPORT_SECONDS = 3_600;
/** Characters after which a part of a copy ends: some hundred entries, so that a page shows progress. */
export const EXPORT_PART_CHARACTERS = 196_608;
/** Entries read at once for a part of a copy. */
export const MAX_EXPORT_PART_ROWS = 100;
/** Calls of one actor are counted together for this long before the count becomes an entry. */
export const CALL_COUNT_SECONDS = 3_600;
/** Networks in one list: somebody reads them all, and every request is held against them. */
export const MAX_NETWORKS = 64;
/** Bans in one answer, the newest first; the ledger has them all. */
export const MAX_BANS_LISTED = 100;
/** A body of at most 128 KB that is not there after this long is not coming. */
export const BODY_SECONDS = 30;
/** A sealed argument: an agent's instructions or a list of changes; in base64url it leaves room for the rest of an envelope. */
export const MAX_SEALED_BYTES = 32_768;
/** One part of a reading, sealed; and how many make a whole one: 288 KB, more than a page of a log or a transcript. */
export const READING_PART_BYTES = 49_152;
export const MAX_READING_PARTS = 6;
/** How long the edge waits for the last part of a reading: the gateway's slowest answer takes some seconds. */
export const READ_TIMEOUT_SECONDS = 20;
/** A read names the host's time; it is refused when it is older or newer than this. */
export const READ_SKEW_SECONDS = 60;
/** For so long a host remembers which reads it has seen. */
export const READ_MEMORY_SECONDS = 120;
/** Reads that a host works on at once. */
export const MAX_READS = 8;
/** Whoever may read content may do so for at most this long on one touch. */
export const MAX_GRANT_SECONDS = 900;
/** Grants of one host at once: four for each of as many readers as it works for. */
export const MAX_GRANTS = 32;
/** Questions to one host that the edge waits for at once; of one more it says that the host is busy. */
export const MAX_OPEN_READS = 16;
/** Questions before a command: shown one at a time, so many in an hour; beyond that the host says no by itself. */
export const MAX_EXEC_QUESTIONS_PER_HOUR = 10;
/** A host notes its figures this often for the curves, and says them in batches: each batch wakes its object once. */
export const SAMPLE_SECONDS = 60;
export const HISTORY_SECONDS = 900;
/** Samples in one batch: what is not sent yet after an hour and a half away; what is older a host forgets. */
export const MAX_SAMPLES = 90;
/** Models and agents that a sample names apart; the rest is added up. */
export const MAX_SHARES = 8;
/** People who may allow a command once from a phone: few, and each one by name. */
export const MAX_EXCEPTED_PEOPLE = 16;

/**
 * A release that is well on one host for so long may go to the others in one touch: what breaks after a start has shown by
 * then (the reader's minute, a look at the machine, a certificate that was due).
 */
export const CANARY_SECONDS = 600;
/** An older word of that host says nothing about now; clocks of hosts differ by less. */
export const MAX_CANARY_AGE_SECONDS = 3_600;
/** A `prepared` is under a kilobyte. */
export const MAX_CANARY_BYTES = 2_048;
/** What a question may hold sealed: 16 rows of each kind of choice about a fix, with their reasons. */
export const MAX_SEALED_QUESTION_BYTES = 8_192;
