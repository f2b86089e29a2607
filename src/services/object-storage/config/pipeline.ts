/** Which middlewares there are, in which order: as `[pipeline:main]` of proxy-server.conf says. */
import { middlewares, type MiddlewareName } from '../middleware/table.ts'
import { Options } from '../middleware/middleware.ts'
import type { PasteFile } from './paste.ts'

export interface Stage {
  readonly name: MiddlewareName
  readonly options: Options
}

/** Without a file; the roles are those that members of a project have. */
const usual: readonly (readonly [MiddlewareName, Readonly<Record<string, string>>?])[] = [
  ['catch_errors'],
  ['gatekeeper'],
  ['healthcheck'],
  ['proxy_logging'],
  ['listing_formats'],
  ['bulk'],
  ['tempurl'],
  ['ratelimit'],
  ['authtoken', { delay_auth_decision: 'true' }],
  ['keystoneauth', { operator_roles: 'admin, member, swiftoperator' }],
  ['copy'],
  ['container_quotas'],
  ['account_quotas'],
  ['slo'],
  ['dlo'],
  ['versioned_writes', { allow_versioned_writes: 'true' }],
  ['proxy_logging'],
]

/** Absent here; a proxy without them does all that it is asked to. */
const dispensable: Readonly<Record<string, string>> = {
  memcache: 'nothing is kept between requests',
  container_sync: 'containers are not kept the same with other clusters',
  recon: 'what it tells is not collected',
  xprofile: 'this is no program of Python',
  crossdomain: 'no policy file for Flash is served',
  cname_lookup: 'names of other domains are not looked up',
  domain_remap: 'accounts have no host names',
  staticweb: 'containers are not shown as web sites',
  formpost: 'forms of web pages cannot upload',
  etag_quoter: 'tags are without quotes',
  list_endpoints: 'where objects are is not told',
  symlink: 'links between objects are not followed',
}

/** In every pipeline, and behind which others. */
const required: readonly (readonly [MiddlewareName, readonly MiddlewareName[]])[] = [
  ['catch_errors', []],
  ['gatekeeper', ['catch_errors']],
  ['listing_formats', ['catch_errors', 'gatekeeper', 'proxy_logging']],
  ['copy', ['keystoneauth', 'catch_errors', 'gatekeeper', 'proxy_logging']],
  ['dlo', ['copy', 'keystoneauth', 'catch_errors', 'gatekeeper', 'proxy_logging']],
  ['versioned_writes', ['slo', 'dlo', 'copy', 'keystoneauth', 'catch_errors', 'gatekeeper', 'proxy_logging']],
]

const canonical = (name: string): string => {
  const plain = name.replace(/^egg:[^#]*#/, '').replaceAll('-', '_')
  return plain === 'cache' ? 'memcache' : plain
}

const isHere = (name: string): name is MiddlewareName => Object.hasOwn(middlewares, name)

/** Adds what is wrong to `problems`, and what is left out to `remarks`. */
export function pipelineOf(proxy: PasteFile, problems: string[], remarks: string[]): readonly Stage[] {
  const main = proxy.section('pipeline:main')
  if (!main)
    return usual.map(([name, options = {}]) => ({ name, options: new Options(new Map(Object.entries(options))) }))
  const names = main.list('pipeline', [])
  const place = proxy.placeOf('pipeline:main')
  if (names.length === 0) problems.push(`${place}: [pipeline:main] names no pipeline`)
  const stages = names.slice(0, -1).flatMap((given): Stage[] => {
    const section = proxy.section(`filter:${given}`)
    const name = canonical(section?.text('use', '') || given)
    // keystonemiddleware's own words for it.
    const own = /keystonemiddleware/.test(section?.text('paste.filter_factory', '') ?? '') ? 'authtoken' : name
    if (isHere(own)) return [{ name: own, options: section ?? new Options() }]
    if (Object.hasOwn(dispensable, own))
      remarks.push(`${place}: ${given} is left out of the pipeline: ${dispensable[own]}`)
    else
      problems.push(
        `${place}: ${given} is not built here, and a pipeline without it would not do what is expected of it`,
      )
    return []
  })
  if (!stages.some(({ name }) => name === 'keystoneauth'))
    problems.push(`${place}: without keystoneauth nobody decides who may do what`)
  return withRequired(stages)
}

function withRequired(stages: readonly Stage[]): Stage[] {
  const all = [...stages]
  for (const [name, before] of required) {
    if (all.some((stage) => stage.name === name)) continue
    const last = Math.max(-1, ...before.map((other) => all.findIndex((stage) => stage.name === other)))
    all.splice(last + 1, 0, { name, options: new Options() })
  }
  return all
}
