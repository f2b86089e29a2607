/** What a container is still to be told of an object, in files that both programs read. */
import { randomBytes } from 'node:crypto'
import { open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { unpickle, UnpicklingError } from '../../model/pickle/reader.ts'
import { pickle } from '../../model/pickle/writer.ts'
import { makeFolder, syncFolder } from './devices.ts'

export interface Update {
  readonly op: 'PUT' | 'DELETE'
  readonly account: string
  readonly container: string
  readonly object: string
  /** For the container server. */
  readonly headers: Readonly<Record<string, string>>
}

/** Keeps an update. `hash` is of the object's name, `time` of what happened to it. */
export async function keepUpdate(
  device: string,
  policySuffix: string,
  { hash, time, update }: { hash: string; time: string; update: Update },
): Promise<void> {
  const folder = join(device, `async_pending${policySuffix}`, hash.slice(-3))
  const temporary = join(device, `tmp${policySuffix}`)
  await makeFolder(folder)
  await makeFolder(temporary)
  const draft = join(temporary, randomBytes(12).toString('hex'))
  const handle = await open(draft, 'wx', 0o600)
  try {
    const { op, account, container, object, headers } = update
    const dict = new Map<string, unknown>(Object.entries({ op, account, container, obj: object }))
    await handle.writeFile(pickle(dict.set('headers', new Map(Object.entries(headers)))))
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(draft, join(folder, `${hash}-${time}`))
  await syncFolder(folder)
}

/** The kept updates of a device with their files, the older first. */
export async function* keptUpdates(
  device: string,
  policySuffix: string,
): AsyncGenerator<{ file: string; update: Update }> {
  const root = join(device, `async_pending${policySuffix}`)
  for (const suffix of await namesIn(root))
    for (const name of await namesIn(join(root, suffix))) {
      const file = join(root, suffix, name)
      const update = updateIn(await readFile(file))
      if (update) yield { file, update }
    }
}

const namesIn = async (folder: string): Promise<string[]> =>
  (
    await readdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return []
      throw error
    })
  ).sort()

export const forgetUpdate = (file: string): Promise<void> => rm(file, { force: true })

/** Undefined where the file is no update. */
function updateIn(content: Buffer): Update | undefined {
  try {
    const dict = unpickle(content)
    if (!(dict instanceof Map)) return undefined
    const text = (name: string) => String(dict.get(name) ?? '')
    const headers = dict.get('headers') as unknown
    const op = text('op')
    if (!(headers instanceof Map) || (op !== 'PUT' && op !== 'DELETE')) return undefined
    const pairs = [...headers].map(([name, value]) => [String(name).toLowerCase(), String(value)] as const)
    return {
      op,
      account: text('account'),
      container: text('container'),
      object: text('obj'),
      headers: Object.fromEntries(pairs),
    }
  } catch (error) {
    if (error instanceof UnpicklingError) return undefined
    throw error
  }
}
