import { lockOwner } from '../../../platform/db/owner-lock.ts'
import type { NetworkDeps } from '../deps.ts'
import { conflict, overQuota } from '../errors.ts'
import { countOwned, saveQuota } from '../store/quotas.ts'
import { listRows, type NetworkDb } from '../store/rows.ts'

const tables = {
  network: 'networks',
  subnet: 'subnets',
  subnetpool: 'subnet_pools',
  port: 'ports',
  router: 'routers',
  floatingip: 'floating_ips',
  security_group: 'security_groups',
  security_group_rule: 'security_group_rules',
  // Clients write the whole set; nothing is shared by policies here yet.
  rbac_policy: null,
} as const

export type QuotaResource = keyof typeof tables
export const quotaResources = Object.keys(tables) as QuotaResource[]

export const defaultQuotas = ({ config }: Pick<NetworkDeps, 'config'>): Record<QuotaResource, number> => ({
  network: config.quotaNetwork,
  subnet: config.quotaSubnet,
  subnetpool: config.quotaSubnetpool,
  port: config.quotaPort,
  router: config.quotaRouter,
  floatingip: config.quotaFloatingip,
  security_group: config.quotaSecurityGroup,
  security_group_rule: config.quotaSecurityGroupRule,
  rbac_policy: config.quotaRbacPolicy,
})

/** The limits of a project: the defaults with what was set for it. */
export async function quotasOf(
  db: NetworkDb,
  deps: Pick<NetworkDeps, 'config'>,
  projectId: string,
): Promise<Record<QuotaResource, number>> {
  const rows = await listRows(db, 'quotas', { project_id: projectId })
  return { ...defaultQuotas(deps), ...Object.fromEntries(rows.map((row) => [row.resource, Number(row.value)])) }
}

/** The limits of every project that has some of its own. */
export async function allQuotas(db: NetworkDb, deps: Pick<NetworkDeps, 'config'>) {
  const rows = Map.groupBy(await listRows(db, 'quotas'), (row) => row.project_id)
  return [...rows].map(([id, own]) => ({
    ...defaultQuotas(deps),
    ...Object.fromEntries(own.map((row) => [row.resource, Number(row.value)])),
    project_id: id,
    tenant_id: id,
  }))
}

/** How many a project has. */
export async function usedOf(db: NetworkDb, projectId: string, resource: QuotaResource): Promise<number> {
  const table = tables[resource]
  return table === null ? 0 : countOwned(db, table, projectId)
}

/** Throws OverQuota unless `more` fit; inside the transaction that adds them, so that it is exact. */
export async function requireQuota(
  tx: NetworkDb,
  deps: Pick<NetworkDeps, 'config' | 'database'>,
  projectId: string,
  resource: QuotaResource,
  more = 1,
): Promise<void> {
  await lockOwner(deps.database, tx, projectId)
  const limit = (await quotasOf(tx, deps, projectId))[resource]
  if (limit >= 0 && (await usedOf(tx, projectId, resource)) + more > limit) throw overQuota(resource)
}

/** Neutron counts these not; here they end somewhere, as every host has to read them all. */
const uncounted = { address_group: 'address_groups', address_scope: 'address_scopes' } as const
const uncountedAtMost = 100

export async function requireFew(
  tx: NetworkDb,
  { database }: Pick<NetworkDeps, 'database'>,
  projectId: string,
  resource: keyof typeof uncounted,
): Promise<void> {
  await lockOwner(database, tx, projectId)
  if ((await countOwned(tx, uncounted[resource], projectId)) >= uncountedAtMost) throw overQuota(resource)
}

/** Throws InvalidQuotaValue when a project has more than it may have from now on. */
export async function requireRoom(
  db: NetworkDb,
  projectId: string,
  values: Readonly<Partial<Record<QuotaResource, number>>>,
): Promise<void> {
  const under: string[] = []
  for (const [resource, value] of Object.entries(values) as [QuotaResource, number][])
    if (value >= 0 && (await usedOf(db, projectId, resource)) > value) under.push(resource)
  if (under.length > 0)
    throw conflict(
      'InvalidQuotaValue',
      `Change would make usage less than 0 for the following resources: ['${under.join("', '")}'].`,
    )
}

export async function setQuotas(
  { database }: NetworkDeps,
  projectId: string,
  values: Readonly<Record<string, number>>,
) {
  for (const [resource, value] of Object.entries(values))
    await saveQuota(database, { project_id: projectId, resource, value })
}
