/**
 * What who asks may do: operators of a project all with its account, others what the lists of containers say. Names of users
 * and projects count in those lists only within the default domain; elsewhere somebody else could have the same.
 */
import type { Credentials } from '../../../platform/auth/credentials.ts'
import { isReferrerAllowed, parseAcl, type Acl } from '../model/acl.ts'
import { splitApiPath, type Place } from '../model/names.ts'
import { accountState } from '../proxy/info.ts'
import type { ProxyDeps } from '../proxy/deps.ts'
import { answer } from '../wire/answers.ts'
import { isSuccess, type Headers, type Request, type Response } from '../wire/message.ts'
import { Options, type Middleware } from './middleware.ts'

const domainHeader = 'x-account-sysmeta-project-domain-id'
const unknownDomain = '_unknown'

interface Rules {
  readonly prefixes: readonly string[]
  /** By prefix: `SERVICE_operator_roles` goes before `operator_roles`. */
  roles(prefix: string, name: 'operator_roles' | 'service_roles' | 'project_reader_roles'): readonly string[]
  readonly resellerAdmin: string
  readonly systemReaders: readonly string[]
  readonly defaultDomain: string
  readonly allowsNames: boolean
}

const usual = { operator_roles: ['admin', 'swiftoperator'], service_roles: [], project_reader_roles: [] }

function rulesOf(options: Options): Rules {
  const prefixes = options
    .text('reseller_prefix', 'AUTH')
    .split(',')
    .map((text) => text.trim().replace(/^''$/, ''))
    .map((prefix) => (prefix === '' || prefix.endsWith('_') ? prefix : `${prefix}_`))
  return {
    prefixes,
    roles(prefix, name) {
      const own = options.list(`${prefix.toLowerCase()}${name}`, options.list(name, usual[name]))
      return own.map((role) => role.toLowerCase())
    },
    resellerAdmin: options.text('reseller_admin_role', 'ResellerAdmin').toLowerCase(),
    systemReaders: options.list('system_reader_roles', []).map((role) => role.toLowerCase()),
    defaultDomain: options.text('default_domain_id', 'default'),
    allowsNames: options.flag('allow_names_in_acls', true),
  }
}

const isReading = ({ method }: Request) => method === 'GET' || method === 'HEAD'

export const keystoneauth: Middleware = {
  wrap(next, { options, proxy }) {
    const rules = rulesOf(options)
    return (request) => {
      const { context } = request
      if (context.isAuthorized || context.isDecidedElsewhere) return next(request)
      context.authorize = async (asked, acl) => {
        const place = splitApiPath(asked.path)
        if (!place) return answer(404)
        if (asked.method === 'OPTIONS') return undefined
        const { credentials } = asked.context
        const list = parseAcl(acl)
        asked.context.isOwner = false
        return credentials
          ? authorize(rules, proxy, asked, place, credentials, list)
          : anonymous(rules, asked, place, list)
      }
      return next(request)
    }
  },
}

/** Whether the page that the request comes from may: undefined where nothing is said of pages. */
function byReferrer({ headers }: Request, { object }: Place, { referrers, groups }: Acl): boolean | undefined {
  if (!isReferrerAllowed(headers['referer'], referrers)) return undefined
  return object !== undefined || groups.includes('.rlistings')
}

function anonymous(rules: Rules, request: Request, place: Place, acl: Acl): Response | undefined {
  const isOurs = rules.prefixes.some((prefix) => place.account.startsWith(prefix))
  return isOurs && byReferrer(request, place, acl) === true ? undefined : answer(401)
}

const ownPrefix = ({ prefixes }: Rules, account: string, projectId: string | null): string | undefined =>
  projectId === null ? undefined : prefixes.find((prefix) => account === prefix + projectId)

async function authorize(
  rules: Rules,
  proxy: ProxyDeps,
  request: Request,
  place: Place,
  credentials: Credentials,
  acl: Acl,
): Promise<Response | undefined> {
  const { context, method } = request
  const denied = () => answer(403)
  const roles = credentials.roles.map((role) => role.toLowerCase())
  const has = (wanted: readonly string[]) => wanted.some((role) => roles.includes(role))
  await noteDomain(rules, proxy, request, place, credentials)
  if (roles.includes(rules.resellerAdmin)) {
    context.isOwner = true
    return undefined
  }
  if (has(rules.systemReaders) && isReading(request)) return undefined
  if (place.container === undefined && method === 'DELETE') return denied()
  if (acl.groups.length > 0 && (await isNamed(rules, proxy, request, place, credentials, acl))) return undefined
  const byPage = byReferrer(request, place, acl)
  if (byPage === true) return undefined
  const prefix = ownPrefix(rules, place.account, credentials.projectId)
  if (prefix === undefined) return denied()
  const serviceRoles = rules.roles(prefix, 'service_roles')
  const isVouchedFor =
    serviceRoles.length === 0 || (context.serviceRoles ?? []).some((role) => serviceRoles.includes(role.toLowerCase()))
  if (has(rules.roles(prefix, 'operator_roles')) && isVouchedFor) {
    context.isOwner = true
    return undefined
  }
  if (has(rules.roles(prefix, 'project_reader_roles')) && isReading(request)) return undefined
  if (byPage !== undefined) return denied()
  return has(acl.groups.map((group) => group.toLowerCase())) ? undefined : denied()
}

/** `project:user`, each of them `*`, an id, or within the default domain a name. */
async function isNamed(
  rules: Rules,
  proxy: ProxyDeps,
  request: Request,
  place: Place,
  credentials: Credentials,
  { groups }: Acl,
): Promise<boolean> {
  const { projectId, projectName, userId, userName } = credentials
  const withNames = await areNamesUnique(rules, proxy, request, place, credentials)
  const projects = [projectId, '*', ...(withNames ? [projectName] : [])].filter((each) => each !== null)
  const users = [userId, '*', ...(withNames ? [userName] : [])]
  return projects.some((project) => users.some((user) => groups.includes(`${project}:${user}`)))
}

async function areNamesUnique(
  rules: Rules,
  proxy: ProxyDeps,
  { context }: Request,
  { account }: Place,
  { userDomainId, projectDomainId, projectId }: Credentials,
): Promise<boolean> {
  if (!rules.allowsNames || userDomainId !== rules.defaultDomain || projectDomainId !== rules.defaultDomain)
    return false
  if (ownPrefix(rules, account, projectId) !== undefined) return true
  const state = await accountState(proxy, context, account)
  const domain = state.sysmeta['project-domain-id']
  return isSuccess(state) && state.isReal && (domain === undefined || domain === rules.defaultDomain)
}

/** An account remembers the domain of its project from its first request on. */
async function noteDomain(
  rules: Rules,
  proxy: ProxyDeps,
  request: Request,
  { account, container, object }: Place,
  { projectId, projectDomainId }: Credentials,
): Promise<void> {
  const { method, headers, context } = request
  const isFirst = object === undefined && (method === 'PUT' || (method === 'POST' && container === undefined))
  if (!isFirst || headers[domainHeader] !== undefined) return
  const state = await accountState(proxy, context, account)
  const isOwn = ownPrefix(rules, account, projectId) !== undefined
  const known = state.isReal ? state.sysmeta['project-domain-id'] : unknownDomain
  const found = isOwn ? (projectDomainId ?? '') : unknownDomain
  const isNew =
    !state.isReal || (known === undefined ? isOwn && found === rules.defaultDomain : known === unknownDomain && isOwn)
  if (isNew) (headers as Headers)[domainHeader] = found
}
