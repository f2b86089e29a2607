/** What the servers of a container are told of its objects; what cannot be told now is kept. */
import { encodePath } from '../model/names.ts'
import { keepUpdate } from '../store/files/async-pending.ts'
import type { ObjectPlace } from '../store/files/object-file.ts'
import { policyOf, type StorageDeps } from './request.ts'
import type { Headers, Request } from '../wire/message.ts'

interface Target {
  readonly names: readonly [account: string, container: string, object: string]
  readonly hash: string
  readonly place: ObjectPlace
}

/** The answer to who writes does not wait longer for containers. */
const waitMs = 1000

/** What a middleware wants a container to show of an object, other than it is. */
export function overridesIn(headers: Headers): Headers {
  const found: Headers = {}
  for (const prefix of ['x-backend-container-update-override-', 'x-object-sysmeta-container-update-override-'])
    for (const [name, value] of Object.entries(headers))
      if (name.startsWith(prefix)) found[`x-${name.slice(prefix.length)}`] = value
  return found
}

/** Tells the containers that the request names. */
export function containerTeller(deps: StorageDeps) {
  const { tell, log } = deps
  const tellOne = async (
    { names, hash, place }: Target,
    op: 'PUT' | 'DELETE',
    headers: Headers,
    node: { address: string; device: string; part: string },
  ) => {
    const [account, container, object] = names
    const path = encodePath(`/${account}/${container}/${object}`)
    const status = await tell(node, { kind: 'container', method: op, path: `/${node.part}${path}`, headers }).catch(
      (error: unknown) => {
        log.warn(
          { err: error, address: node.address },
          'a container could not be told of an object; it is told again later',
        )
        return 503
      },
    )
    if (status >= 200 && status < 300) return
    const update = { op, account, container, object, headers }
    const time = headers['x-meta-timestamp'] ?? headers['x-timestamp'] ?? ''
    await keepUpdate(place.device, place.policySuffix, { hash, time, update })
  }

  return async (request: Request, target: Target, op: 'PUT' | 'DELETE', update: Headers): Promise<void> => {
    const { headers } = request
    const list = (name: string) => (headers[name] ?? '').split(',').map((each) => each.trim())
    const [hosts, devices, part] = [
      list('x-container-host'),
      list('x-container-device'),
      headers['x-container-partition'],
    ]
    if (!part) return
    const message = {
      ...update,
      'x-trans-id': headers['x-trans-id'] ?? '-',
      'x-backend-storage-policy-index': String(policyOf(request, deps) ?? 0),
    }
    const all = Promise.all(
      hosts.map((address, at) => tellOne(target, op, message, { address, device: devices[at] ?? '', part })),
    )
    // What comes to nothing later is kept on the disk by then.
    all.catch((error: unknown) => log.error({ err: error }, 'a container could not be told of an object'))
    let timer: NodeJS.Timeout | undefined
    const enough = new Promise<void>((resolve) => (timer = setTimeout(resolve, waitMs)))
    await Promise.race([all, enough])
    clearTimeout(timer)
  }
}
