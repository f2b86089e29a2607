/** What could not be told at once is told later: accounts of the numbers of containers, containers of objects. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../../platform/log/log.ts'
import { hashPath } from './model/hash-path.ts'
import { encodePath } from './model/names.ts'
import type { Ring } from './model/ring/ring.ts'
import { accountUpdate } from './servers/container.ts'
import { ContainerBroker, type ContainerInfo } from './store/databases/container.ts'
import { forgetUpdate, keptUpdates } from './store/files/async-pending.ts'
import type { Storage } from './storage.ts'
import type { Headers } from './wire/message.ts'

type Kind = 'account' | 'container'

/** Tells all servers that hold something; whether all of them took it. */
async function tellAll(
  storage: Storage,
  kind: Kind,
  ring: Ring,
  names: readonly string[],
  tail: string,
  update: { method: string; headers: Headers },
) {
  const part = ring.partOf(hashPath(storage.mix, ...names))
  const path = `/${part}${encodePath(`/${names.join('/')}${tail}`)}`
  const told = ring.primaries(part).map(async ({ ip, port, device }) => {
    const { tell } = storage.deps[kind === 'account' ? 'container' : 'object']
    const address = `${ip.includes(':') ? `[${ip}]` : ip}:${port}`
    return tell({ address, device }, { kind, path, ...update }).catch(() => 503)
  })
  return (await Promise.all(told)).every((status) => (status >= 200 && status < 300) || status === 404)
}

/** The account of a container hears its numbers where they have changed. */
async function reportContainer(storage: Storage, broker: ContainerBroker): Promise<void> {
  const { info } = broker
  if (isReported(info)) return
  const update = { method: 'PUT', headers: accountUpdate(info) }
  const isTold = await tellAll(storage, 'account', storage.rings.account, [info.account], `/${info.container}`, update)
  if (isTold) broker.reported(info)
}

const isReported = (info: ContainerInfo): boolean =>
  info.reported_put_timestamp === info.put_timestamp &&
  info.reported_delete_timestamp === info.delete_timestamp &&
  info.reported_object_count === info.object_count &&
  info.reported_bytes_used === info.bytes_used

const namesIn = async (folder: string): Promise<string[]> => readdir(folder).catch(() => [])

/** The databases of a device. */
async function* containersOf(device: string): AsyncGenerator<string> {
  const root = join(device, 'containers')
  for (const part of await namesIn(root))
    for (const suffix of await namesIn(join(root, part)))
      for (const hash of await namesIn(join(root, part, suffix))) yield join(root, part, suffix, hash, `${hash}.db`)
}

/** Tells all accounts of all containers of a device that they have not heard of. */
export async function reportContainers(storage: Storage, device: string, log: Logger): Promise<void> {
  for await (const file of containersOf(device)) {
    const broker = storage.deps.container.brokers.get(file, (path) => new ContainerBroker(path, '', ''))
    if (!broker.exists) continue
    await reportContainer(storage, broker).catch((error: unknown) =>
      log.warn({ err: error, file }, 'a container cannot be reported'),
    )
  }
}

/** Those that have changed in this process, at once. */
export async function reportChanged(storage: Storage, log: Logger): Promise<void> {
  const { changed } = storage.deps.container.brokers
  const brokers = [...changed]
  changed.clear()
  for (const broker of brokers)
    await reportContainer(storage, broker).catch((error: unknown) =>
      log.warn({ err: error }, 'a container cannot be reported'),
    )
}

/** Tells containers what they were not there for. */
export async function tellContainers(
  storage: Storage,
  device: string,
  policies: readonly { index: number }[],
): Promise<void> {
  for (const { index } of policies)
    for await (const { file, update } of keptUpdates(device, index === 0 ? '' : `-${index}`)) {
      const { op, account, container, object, headers } = update
      const message = { method: op, headers: { ...headers } }
      if (await tellAll(storage, 'container', storage.rings.container, [account, container], `/${object}`, message))
        await forgetUpdate(file)
    }
}
