/** What is known of accounts and containers, asked once for each request of a client. */
import { hashPath } from '../model/hash-path.ts'
import { fromWire, isSuccess, type Headers, type RequestContext } from '../wire/message.ts'
import type { ProxyDeps } from './deps.ts'
import { readFrom, type Place } from './nodes.ts'

export interface ContainerState {
  readonly status: number
  readonly readAcl: string | undefined
  readonly writeAcl: string | undefined
  readonly syncKey: string | undefined
  readonly objectCount: number
  readonly bytes: number
  readonly policy: number
  /** By names in lower case without their beginning. */
  readonly meta: Headers
  readonly sysmeta: Headers
}

export interface AccountState {
  readonly status: number
  readonly containerCount: number
  readonly objectCount: number
  readonly bytes: number
  readonly meta: Headers
  readonly sysmeta: Headers
  /** False where it is told as if it were there, as it comes with the first request that changes it. */
  readonly isReal: boolean
}

export function accountPlace({ rings, mix }: ProxyDeps, account: string): Place {
  const part = rings.account.partOf(hashPath(mix, account))
  return { kind: 'account', ring: rings.account, part, path: `/${account}` }
}

export function containerPlace({ rings, mix }: ProxyDeps, account: string, container: string): Place {
  const part = rings.container.partOf(hashPath(mix, account, container))
  return { kind: 'container', ring: rings.container, part, path: `/${account}/${container}` }
}

const below = (headers: Headers, prefix: string): Headers =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
    ),
  )

async function once<T>(context: RequestContext, key: string, find: () => Promise<T>): Promise<T> {
  const known = context.known.get(key) as T | undefined
  if (known !== undefined) return known
  const found = await find()
  context.known.set(key, found)
  return found
}

const keyOf = (account: string, container?: string) => (container === undefined ? account : `${account}/${container}`)

/** What was found no longer holds. */
export const forget = (context: RequestContext, account: string, container?: string): void =>
  void context.known.delete(keyOf(account, container))

export const accountState = (deps: ProxyDeps, context: RequestContext, account: string): Promise<AccountState> =>
  once(context, keyOf(account), async () => {
    const headers = { 'x-trans-id': context.transactionId }
    const { status, headers: found } = await readFrom(deps, accountPlace(deps, account), { method: 'HEAD', headers })
    const isMissing = status === 404 && deps.accountAutocreate && found['x-account-status'] !== 'Deleted'
    return {
      status: isMissing ? 204 : status,
      containerCount: Number(found['x-account-container-count'] ?? 0),
      objectCount: Number(found['x-account-object-count'] ?? 0),
      bytes: Number(found['x-account-bytes-used'] ?? 0),
      meta: below(found, 'x-account-meta-'),
      sysmeta: below(found, 'x-account-sysmeta-'),
      isReal: status !== 404,
    }
  })

export const containerState = (
  deps: ProxyDeps,
  context: RequestContext,
  account: string,
  container: string,
): Promise<ContainerState> =>
  once(context, keyOf(account, container), async () => {
    const headers = { 'x-trans-id': context.transactionId }
    const place = containerPlace(deps, account, container)
    const own = await readFrom(deps, place, { method: 'HEAD', headers })
    // A container of an account that is gone is gone too.
    const owner = isSuccess(own) ? await accountState(deps, context, account) : undefined
    const status = owner && !isSuccess(owner) ? 404 : own.status
    const text = (name: string) => (own.headers[name] === undefined ? undefined : fromWire(own.headers[name]))
    return {
      status,
      readAcl: text('x-container-read'),
      writeAcl: text('x-container-write'),
      syncKey: own.headers['x-container-sync-key'],
      objectCount: Number(own.headers['x-container-object-count'] ?? 0),
      bytes: Number(own.headers['x-container-bytes-used'] ?? 0),
      policy: Number(own.headers['x-backend-storage-policy-index'] ?? 0),
      meta: below(own.headers, 'x-container-meta-'),
      sysmeta: below(own.headers, 'x-container-sysmeta-'),
    }
  })
