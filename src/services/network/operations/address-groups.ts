import type { NetworkDeps } from '../deps.ts'
import { badAttribute, badRequest, conflict, notFound } from '../errors.ts'
import { formatPrefix, parseAddress, parsePrefix } from '../model/address.ts'
import { requireFew } from './quota.ts'
import {
  deleteEntity,
  findRow,
  insertRow,
  newEntity,
  parseList,
  touched,
  updateRow,
  type NetworkDb,
  type Row,
} from '../store/rows.ts'

type Group = Row<'address_groups'>

/** A rule that names the group becomes one for each of them, on every host that has it. */
const addressesAtMost = 1000

/** Prefixes in one form, each once. Throws 400 on what is none. */
function read(texts: readonly string[]): string[] {
  const prefixes = texts.map((text) => {
    const prefix = parsePrefix(text)
    if (!prefix) throw badAttribute('addresses', `'${text}' is not a valid IP subnet`)
    return formatPrefix(prefix)
  })
  return [...new Set(prefixes)]
}

/** A bare address is a prefix of its own; upstream takes such here, and not where a group is made. */
const withLength = (text: string): string => (parseAddress(text) ? `${text}/${text.includes(':') ? 128 : 32}` : text)

const list = (texts: readonly string[]) => `['${texts.join("', '")}']`

export async function insertAddressGroup(
  tx: NetworkDb,
  deps: Pick<NetworkDeps, 'database'>,
  projectId: string,
  input: { name?: string; description?: string; addresses?: string[] },
): Promise<Group> {
  await requireFew(tx, deps, projectId, 'address_group')
  const group = { ...newEntity(projectId, input), addresses: JSON.stringify(read(input.addresses ?? []).sort()) }
  await insertRow(tx, 'address_groups', group)
  return group
}

/** Adds addresses that the group does not have, or takes such as it has. */
export async function changeAddresses(
  tx: NetworkDb,
  group: Group,
  texts: readonly string[],
  how: 'add' | 'remove',
): Promise<Group> {
  const old = parseList<string>(group.addresses)
  const given = read(texts.map(withLength))
  const there = given.filter((each) => old.includes(each))
  const missing = given.filter((each) => !old.includes(each))
  if (how === 'add' && there.length > 0)
    throw badRequest(
      'AddressesAlreadyExist',
      `Addresses ${list(there)} already exist in the address group ${group.id}.`,
    )
  if (how === 'remove' && missing.length > 0)
    throw notFound('AddressesNotFound', `Addresses ${list(missing)} not found in the address group ${group.id}.`)
  const next = how === 'add' ? [...old, ...given] : old.filter((each) => !given.includes(each))
  if (how === 'add' && next.length > addressesAtMost)
    throw badRequest('BadRequest', `An address group has at most ${addressesAtMost} addresses.`)
  const changes = { addresses: JSON.stringify(next.sort()), ...touched(group) }
  await updateRow(tx, 'address_groups', group.id, changes)
  return { ...group, ...changes }
}

export async function removeAddressGroup(tx: NetworkDb, group: Group): Promise<void> {
  if (await findRow(tx, 'security_group_rules', { remote_address_group_id: group.id }))
    throw conflict('AddressGroupInUse', `Address group ${group.id} is in use on one or more security group rules.`)
  await deleteEntity(tx, 'address_groups', group.id)
}
