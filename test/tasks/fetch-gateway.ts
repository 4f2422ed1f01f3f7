/** Puts the pinned gateway into the tests' cache, so that nobody fetches it while another looks for it. */
import { installGateway } from "../../agent/host/demo/install.ts";
import { gatewayCache } from "../e2e/gateway.ts";

await installGateway({
  directory: gatewayCache,
  environment: process.env,
  fetchAllowed: true,
  log: (line) => console.log(line),
});
