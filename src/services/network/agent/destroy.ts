/** Takes away what a part of the agents has made, and only that. */
import { existsSync } from 'node:fs'
import { rm, rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { stopDnsmasq } from '../../../host/dnsmasq.ts'
import { deleteLink } from '../../../host/links.ts'
import { deleteNetns } from '../../../host/netns.ts'
import { deleteTable, type NftFamily } from '../../../host/nft.ts'
import type { Logger } from '../../../platform/log/log.ts'
import { agentParts } from '../rpc/parts.ts'
import { folderOf, nobodysFolder, Owned, type OwnedKind } from './owned.ts'

const removers: Record<OwnedKind, (name: string) => Promise<void>> = {
  dnsmasq: async (dir) => {
    await stopDnsmasq(dir)
    await rm(dir, { recursive: true, force: true })
    await rmdir(dirname(dir)).catch(() => undefined) // the last one takes the folder of all along
  },
  links: (name) => deleteLink(name),
  namespaces: (name) => deleteNetns(name),
  tables: async (words) => {
    const [family, name] = words.split(' ')
    await deleteTable({ family: family as NftFamily, name: name ?? '' })
  },
}
/** Processes before the namespaces that they keep alive; filters last. */
const order: readonly OwnedKind[] = ['dnsmasq', 'links', 'namespaces', 'tables']

export type Keep = Readonly<Record<OwnedKind, ReadonlySet<string>>>

/** Removes what is owned and not in `keep`. What resists stays owned, for the next time. */
export async function removeOwned(
  owned: Owned,
  keep: Keep,
  onError: (what: string, error: unknown) => void,
): Promise<void> {
  for (const kind of order) {
    for (const name of owned.list(kind).filter((each) => !keep[kind].has(each))) {
      try {
        await removers[kind](name)
        await owned.release(kind, name)
      } catch (error) {
        onError(`${kind} ${name}`, error)
      }
    }
  }
}

/** Removes every device, namespace, process and table that the agents with this state folder have made. */
export async function destroyNetworking({ stateDir, log }: { stateDir: string; log: Logger }): Promise<void> {
  const nothing: ReadonlySet<string> = new Set()
  const keep = { dnsmasq: nothing, links: nothing, namespaces: nothing, tables: nothing }
  // What is plugged in before the bridges; the ledger of an earlier version where nothing ran since.
  const folders = [
    ...agentParts.toReversed().map((part) => folderOf(stateDir, part)),
    nobodysFolder(stateDir),
    stateDir,
  ]
  for (const folder of folders.filter((each) => existsSync(each)))
    await removeOwned(new Owned(folder), keep, (what, error) => log.error({ err: String(error) }, `${what} stays`))
}
