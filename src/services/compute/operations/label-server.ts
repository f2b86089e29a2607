/** Metadata and tags of servers. */
import type { ComputeDeps } from '../deps.ts'
import { Forbidden } from '../errors.ts'
import { updateServer } from '../store/servers.ts'
import { livingServer, refuseLocked } from './change-server.ts'
import { limitsOf } from './quotas.ts'

/** Changes the metadata within the project's limit; returns the new whole. */
export async function changeMetadata(
  deps: ComputeDeps,
  id: string,
  mayOverrideLock: boolean,
  change: (now: Record<string, string>) => Record<string, string>,
): Promise<Record<string, string>> {
  return deps.database.transaction(async (tx) => {
    const server = await heldServer(tx, id)
    refuseLocked(server, mayOverrideLock)
    const metadata = change(server.metadata)
    const limit = (await limitsOf(tx, deps.config, server.projectId))['metadata_items'] ?? -1
    if (limit >= 0 && Object.keys(metadata).length > limit)
      throw new Forbidden(`Maximum number of metadata items exceeds ${limit}`)
    await updateServer(tx, id, { metadata })
    return metadata
  })
}

/** Changes the tags; returns those before and after. */
export async function changeTags(deps: ComputeDeps, id: string, change: (now: readonly string[]) => string[]) {
  return deps.database.transaction(async (tx) => {
    const before = (await heldServer(tx, id)).tags
    const tags = change(before)
    await updateServer(tx, id, { tags })
    return { before, tags }
  })
}

/** Metadata and tags are read, changed and written: others who do so wait until the transaction ends. */
async function heldServer(tx: ComputeDeps['database']['db'], id: string) {
  await updateServer(tx, id, {})
  return livingServer(tx, id)
}
