/** Which policy an endpoint obeys: its own, else that of its service in its region or a region above, else its service's. */
import { regionsAbove, regionsBelow } from './catalog.ts'
import { listRows, type IdentityDb, type Row } from './rows.ts'

/** What a policy is tied to; '' for what does not matter. */
export interface Place {
  endpoint_id: string
  service_id: string
  region_id: string
}

export async function setAssociation(tx: IdentityDb, policyId: string, place: Place): Promise<void> {
  let remove = tx.deleteFrom('policy_associations')
  for (const [column, value] of Object.entries(place))
    remove = remove.where(column as keyof Place, '=', value as string)
  await remove.execute()
  await tx
    .insertInto('policy_associations')
    .values({ policy_id: policyId, ...place })
    .execute()
}

/** The id of the policy that counts for an endpoint. */
export async function policyIdFor(db: IdentityDb, endpoint: Row<'endpoints'>): Promise<string | undefined> {
  const rows = await db
    .selectFrom('policy_associations')
    .selectAll()
    .where((where) => where.or([where('endpoint_id', '=', endpoint.id), where('service_id', '=', endpoint.service_id)]))
    .execute()
  const own = rows.find((row) => row.endpoint_id === endpoint.id)
  if (own) return own.policy_id
  const regions =
    endpoint.region_id === null ? [] : [endpoint.region_id, ...(await regionsAbove(db, endpoint.region_id))]
  for (const region of regions) {
    const found = rows.find((row) => row.region_id === region)
    if (found) return found.policy_id
  }
  return rows.find((row) => row.region_id === '' && row.endpoint_id === '')?.policy_id
}

/** Endpoints that a policy is tied to, directly or by service and region with the regions below it. */
export async function endpointsOfPolicy(db: IdentityDb, policyId: string): Promise<Row<'endpoints'>[]> {
  const ties = await listRows(db, 'policy_associations', { policy_id: policyId })
  if (ties.length === 0) return []
  const all = await listRows(db, 'endpoints')
  const found = new Map<string, Row<'endpoints'>>()
  for (const tie of ties) {
    const regions = tie.region_id === '' ? undefined : [tie.region_id, ...(await regionsBelow(db, tie.region_id))]
    const isTied = (endpoint: Row<'endpoints'>) =>
      tie.endpoint_id === ''
        ? endpoint.service_id === tie.service_id && (!regions || regions.includes(endpoint.region_id ?? ''))
        : endpoint.id === tie.endpoint_id
    for (const endpoint of all) if (isTied(endpoint)) found.set(endpoint.id, endpoint)
  }
  return [...found.values()]
}
