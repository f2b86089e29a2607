/** The middlewares that there are, by their names in pipelines. Each is a file beside this one. */
import { authtoken } from './authtoken.ts'
import { bulk } from './bulk.ts'
import { catchErrors } from './catch-errors.ts'
import { copy } from './copy.ts'
import { dlo } from './dlo.ts'
import { gatekeeper } from './gatekeeper.ts'
import { healthcheck } from './healthcheck.ts'
import { keystoneauth } from './keystoneauth.ts'
import { listingFormats } from './listing-formats.ts'
import type { Middleware } from './middleware.ts'
import { proxyLogging } from './proxy-logging.ts'
import { accountQuotas, containerQuotas } from './quotas.ts'
import { ratelimit } from './ratelimit.ts'
import { slo } from './slo.ts'
import { tempurl } from './tempurl.ts'
import { versionedWrites } from './versioned-writes.ts'

export const middlewares = {
  account_quotas: accountQuotas,
  authtoken,
  bulk,
  catch_errors: catchErrors,
  container_quotas: containerQuotas,
  copy,
  dlo,
  gatekeeper,
  healthcheck,
  keystoneauth,
  listing_formats: listingFormats,
  proxy_logging: proxyLogging,
  ratelimit,
  slo,
  tempurl,
  versioned_writes: versionedWrites,
} satisfies Record<string, Middleware>

export type MiddlewareName = keyof typeof middlewares
