/** Made by generate.ts; not edited by hand. Published advisories of the gateway, as far as this release knows them. */

export const REVISION = 1;
export const AS_OF = "2026-08-07";

/** Id, severity, introduced, fixed, title. */
export const ROWS = `
CVE-2026-25253	high	0	2026.1.29	1-click RCE: auth token exfiltration via gatewayUrl
CVE-2026-25157	high	0	2026.1.29	OS command injection via project root path (sshNodeCommand)
CVE-2026-24763	high	0	2026.1.29	Docker exec command injection via PATH
CVE-2026-25593	high	0	2026.1.20	unauthenticated local WS client could config.apply -> RCE
CVE-2026-28458	high	0	2026.2.1	Browser relay /cdp websocket missing auth
CVE-2026-28446	critical	0	2026.2.1	voice-call inbound allowlist bypass
CVE-2026-28448	medium	2026.1.29	2026.2.1	Twitch allowFrom bypass
CVE-2026-28471	medium	2026.1.14-1	2026.2.2	Matrix allowlist bypass via displayName
CVE-2026-28482	high	0	2026.2.12	path traversal sessionId/sessionFile
CVE-2026-28478	high	0	2026.2.13	DoS unbounded webhook body
CVE-2026-28462	high	0	2026.2.13	path traversal trace/download output
GHSA-943q-mwmv-hhvh	high	0	2026.2.14	/tools/invoke high-risk tools + ACP auto-approve
CVE-2026-26317	high	0	2026.2.14	CSRF through loopback browser mutation endpoints
CVE-2026-28469	high	0	2026.2.14	Google Chat webhook cross-account misrouting
CVE-2026-28480	medium	0	2026.2.14	Telegram allowlist mutable usernames
CVE-2026-26328	medium	0	2026.2.14	iMessage group allowlist inherits DM pairing
CVE-2026-28452	medium	0	2026.2.14	archive extraction DoS
CVE-2026-29612	medium	0	2026.2.14	base64 media DoS
CVE-2026-32060	high	0	2026.2.14	apply_patch path traversal
CVE-2026-28393	high	2.0.0-beta3	2026.2.14	hook transform path traversal -> JS module load
CVE-2026-28463	medium	0	2026.2.14	safeBins shell expansion
CVE-2026-22171	high	0	2026.2.19	Feishu media temp path traversal
CVE-2026-32049	high	0	2026.2.22	media byte limit bypass DoS
CVE-2026-22169	high	0	2026.2.22	safeBins sort allowlist bypass
GHSA-796m-2973-wc5q	high	0	2026.2.23	exec allowlist/env -S policy-runtime mismatch
CVE-2026-27523	medium	0	2026.2.24	sandbox bind validation symlink bypass
CVE-2026-32042	high	0	2026.2.25	privilege escalation via unpaired device identity (shared auth)
CVE-2026-27545	medium	0	2026.2.26	approval bypass parent symlink cwd
CVE-2026-32048	high	0	2026.3.1	sandbox escape via cross-agent sessions_spawn
CVE-2026-32044	medium	0	2026.3.2	tar safety bypass in skills install
GHSA-5wcw-8jjv-m286	high	0	2026.3.11	cross-site WebSocket hijacking of the gateway
CVE-2026-32918	critical	0	2026.3.11	session sandbox escape via session_status
CVE-2026-32919	medium	0	2026.3.11	unauthorized session reset
CVE-2026-32916	critical	0	2026.3.11	plugin subagent routes bypass gateway authz (fixed version to be confirmed in OSV)
CVE-2026-22172	critical	0	2026.3.12	WS shared-auth connections could self-declare scopes
CVE-2026-35639	high	0	2026.3.22	device.pair.approve scope validation
CVE-2026-35656	medium	0	2026.3.22	XFF loopback spoofing (canvas auth / rate limiter)
CVE-2026-35621	high	0	2026.3.24	chat.send to allowlist persistence
CVE-2026-35663	high	0	2026.3.25	backend reconnect scope self-claim
CVE-2026-34512	high	0	2026.3.25	/sessions/:key/kill access control
CVE-2026-35636	high	2026.3.11	2026.3.25	session isolation bypass via sessionId
CVE-2026-41349	high	0	2026.3.28	agentic consent bypass via config.patch
CVE-2026-41299	high	0	2026.3.28	chat.send provenance client identity spoofing
CVE-2026-41359	high	0	2026.3.28	operator.write -> admin (telegram config + cron)
CVE-2026-33580	medium	0	2026.3.28	webhook secret brute force
CVE-2026-41396	high	0	2026.3.31	env override of plugin trust root
CVE-2026-41364	high	0	2026.3.31	SSH sandbox tar symlink file write
CVE-2026-41335	medium	0	2026.3.31	Control UI bootstrap JSON info disclosure
CVE-2026-41366	medium	0	2026.3.31	arbitrary host file read (media roots)
CVE-2026-53855	high	0	2026.4.2	shell positional params vs inline-eval checks
CVE-2026-41372	medium	0	2026.4.2	CDP trailing-dot localhost
GHSA-68x5-xx89-w9mm	medium	0	2026.4.8	stale auth closure after config reload
CVE-2026-42422	high	0	2026.4.8	device.token.rotate role bypass
CVE-2026-42432	high	0	2026.4.8	node pairing reconnect command escalation
CVE-2026-42428	high	0	2026.4.8	missing integrity verification of package downloads
CVE-2026-43531	high	0	2026.4.9	workspace .env injection
CVE-2026-43533	high	0	2026.4.10	QQBot local file read
CVE-2026-45001	medium	0	2026.4.20	config mutation guard bypass via agent tool
CVE-2026-44112	critical	0	2026.4.23	"Claw Chain" sandbox write TOCTOU (press; fixed 2026-04-23 release)
CVE-2026-53818	medium	0	2026.4.24	MCP loopback skips owner-only tool policy
CVE-2026-53856	medium	0	2026.4.24	config recovery restores openclaw.json with broad perms
CVE-2026-53809	medium	0	2026.4.25	embedded runner policy provider aliases
CVE-2026-53813	high	0	2026.4.25	fake package roots (memory-core)
CVE-2026-53854	medium	0	2026.4.25	ownerAllowFrom wildcard inheritance
CVE-2026-53852	low	0	2026.4.25	empty-scope device re-pairing
CVE-2026-53850	medium	0	2026.4.25	focus command controlScope
CVE-2026-53863	medium	0	2026.4.25	tool group policy unvalidated group IDs
CVE-2026-53846	high	0	2026.4.29	workspace .env npm_execpath
CVE-2026-53844	medium	0	2026.4.29	memory-wiki visibility
GHSA-w4v6-g3wm-w36c	critical	0	2026.4.29	QQBot admin commands skip policy
CVE-2026-35673	medium	0	2026.4.29	browser debug/export SSRF
CVE-2026-53865	high	0	2026.5.2	workspace-derived service PATH
CVE-2026-53858	high	0	2026.5.2	workspace .env STATE_DIRECTORY
CVE-2026-53842	high	0	2026.5.2	workspace .env CLOUDSDK_PYTHON
GHSA-grc3-2j34-p6gm	medium	0	2026.5.2	message.action sends gateway creds to loopback URLs
CVE-2026-53857	high	0	2026.5.3	Zalo allowFrom display names
GHSA-c29c-2q9c-pc86	high	0	2026.5.3	Slack allowFrom display names
GHSA-xr4f-mjxj-w6w5	high	0	2026.5.4	non-owner senders issue pairing bootstrap codes
CVE-2026-53845	low	0	2026.5.6	skill dispatch skips before-tool-call hooks
CVE-2026-53847	medium	0	2026.5.6	Active Memory write scope mutates global config
CVE-2026-53861	medium	0	2026.5.6	macOS exec allowlist combined flags
GHSA-p73f-w79w-jqr5	high	0	2026.5.6	native command skips owner enforcement
GHSA-w5ww-7chg-mxcq	high	0	2026.5.6	Telegram callbacks skip commands.allowFrom
CVE-2026-53811	high	0	2026.5.7	Matrix allowFrom display names
CVE-2026-53849	high	0	2026.5.7	Discord allowFrom display names
CVE-2026-53860	low	0	2026.5.7	BlueBubbles sender policy
GHSA-77q5-rr5v-x43q	high	0	2026.5.7	trusted retry endpoint hostname prefix
CVE-2026-53806	high	0	2026.5.12	POSIX shell options exec revalidation
CVE-2026-53853	high	0	2026.5.12	exec allowlist arg patterns skipped
CVE-2026-53866	high	0	2026.5.12	inline-command parsing allowlist miss
CVE-2026-53840	high	0	2026.5.12	MCP redirects forward custom headers
CVE-2026-53841	medium	0	2026.5.12	exported session HTML links
CVE-2026-53851	medium	0	2026.5.12	Slack reaction events
CVE-2026-53862	low	0	2026.5.12	bootstrap token replay widens pairing scopes
GHSA-j472-gf56-x589	high	0	2026.5.12	PowerShell encoded-command allowlist
GHSA-p2fh-f5fc-44hr	medium	0	2026.5.12	memory-wiki local file read w/ operator.write
CVE-2026-53816	high	0	2026.5.18	paired nodes forge exec lifecycle events
CVE-2026-53810	high	0	2026.5.18	marketplace runtime extension metadata
CVE-2026-53812	medium	0	2026.5.18	browser act private-network bypass
CVE-2026-53829	high	0	2026.5.18	approval display truncation
CVE-2026-35630	high	0	2026.5.18	QQBot approvals not enforcing approver
GHSA-2j8v-hwgc-x698	high	0	2026.5.18	shell wrapper argv changes between approval and execution
GHSA-rggc-m335-3wvj	high	0	2026.5.18	same-host trusted-proxy accepts forged local identity headers
GHSA-qjpc-qf9m-xwmr	high	0	2026.5.18	trusted-proxy Control UI WS accepts declared scopes before pairing
GHSA-hw9r-h9mr-4jff	high	0	2026.5.18	scoped chat.send bypasses admin command gates
GHSA-mhq8-78pj-5j79	high	0	2026.5.18	POSIX node safe-bin widened by shell expansion
CVE-2026-53815	high	0	2026.5.19	message reads skip channel allowlist
CVE-2026-53814	high	0	2026.5.20	hook-triggered runs get owner MCP authority
CVE-2026-53817	high	0	2026.5.22	Control UI locality spoofing mints durable admin device token
CVE-2026-53859	medium	0	2026.5.26	trailing-dot hostnames
CVE-2026-53848	low	0	2026.5.26	exec allowlist wrappers
CVE-2026-53843	high	0	2026.5.26	pairing session restores revoked node token
CVE-2026-53864	high	0	2026.5.26	env sanitizer misses Node.js vars
CVE-2026-62220	medium	2026.2.25	2026.5.26	WS rate limit bypass
CVE-2026-53819	high	0	2026.5.27	workspace .env Homebrew override
GHSA-83w9-h5wv-j9xm	high	0	2026.5.27	node pairing reconnection scope state
CVE-2026-62217	critical	2026.5.14-beta.1	2026.5.27	auth bypass via exec approvals
CVE-2026-62210	medium	0	2026.6.1	DoS remote media URLs
CVE-2026-62211	medium	0	2026.6.1	credential redaction bypass (trajectory export)
GHSA-9c3v-684m-579c	medium	0	2026.6.5	MCP SSE redirects forward Authorization
CVE-2026-62207	critical	0	2026.6.5	auth bypass via admin tools
CVE-2026-62228	critical	0	2026.6.5	authz bypass via node exec approvals
CVE-2026-62196	high	2026.3.22	2026.6.6	WhatsApp group ID authz bypass
CVE-2026-62199	critical	0	2026.6.6	auth bypass via environment filtering
CVE-2026-62200	critical	0	2026.6.6	auth bypass via git ext transport
CVE-2026-62203	critical	0	2026.6.6	env injection via rustup
CVE-2026-62186	medium	0	2026.6.8	OpenAI HTTP model override authz bypass
CVE-2026-62187	high	0	2026.6.9	Feishu tools authz bypass
CVE-2026-62190	critical	0	2026.6.9	exec authz bypass via flock wrapper
CVE-2026-62194	critical	2026.5.20	2026.6.9	privilege escalation via plugin install
`;
