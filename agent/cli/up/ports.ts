/** The ports of a local edge unless somebody says otherwise. */
export const DEFAULT_PORT = 4470;
export const DEFAULT_AGENT_PORT = 4471;
