/**
 * Further bindings of a port: where a server may move to. One is active, in the port's own row; the others are prepared
 * on their hosts and become active when the server has moved.
 */
import { ServiceError } from '../../../platform/errors.ts'
import type { NetworkDeps } from '../deps.ts'
import { badRequestFor, conflict, notFound } from '../errors.ts'
import { bind } from '../ml2/binding.ts'
import {
  deleteRows,
  findRow,
  insertRow,
  listRows,
  touched,
  updateRow,
  type NetworkDb,
  type Row,
} from '../store/rows.ts'

export interface BindingInput {
  host?: string
  vnic_type?: string
  profile?: Record<string, unknown> | null
}

export interface PortBinding {
  host: string
  vif_type: string
  vnic_type: string
  profile: string
  status: 'ACTIVE' | 'INACTIVE'
}

const bindingNotFound = (portId: string, host: string) =>
  notFound('PortBindingNotFound', `Binding for port ${portId} for host ${host} could not be found.`)

const activeOf = (port: Row<'ports'>): PortBinding => ({
  host: port.host_id,
  vif_type: port.vif_type,
  vnic_type: port.vnic_type,
  profile: port.profile,
  status: 'ACTIVE',
})

/** All bindings of a port, the active one first. Throws 400 for ports of no server. */
export async function bindingsOf(db: NetworkDb, port: Row<'ports'>): Promise<PortBinding[]> {
  if (!port.device_owner.startsWith('compute:'))
    throw badRequestFor('port', `Invalid port ${port.id}. Operation only valid on compute and shared filesystem ports`)
  const others = await listRows(db, 'port_bindings', { port_id: port.id })
  return [
    ...(port.host_id === '' ? [] : [activeOf(port)]),
    ...others.map((row) => ({ ...row, status: 'INACTIVE' as const })),
  ]
}

export async function bindingOn(db: NetworkDb, port: Row<'ports'>, host: string): Promise<PortBinding> {
  const found = (await bindingsOf(db, port)).find((binding) => binding.host === host)
  if (!found) throw bindingNotFound(port.id, host)
  return found
}

async function requireBinding(
  tx: NetworkDb,
  deps: NetworkDeps,
  port: Row<'ports'>,
  host: string,
  vnicType: string,
): Promise<string> {
  const network = (await findRow(tx, 'networks', { id: port.network_id }))!
  const { vif_type: type, reason } = await bind(tx, deps, network, host, vnicType)
  if (type === 'binding_failed')
    throw new ServiceError('internal', `Binding for port ${port.id} on host ${host} could not be created or updated.`, {
      code: 'PortBindingError',
      ...(reason !== undefined && { detail: reason }),
    })
  return type
}

/** Prepares a binding on another host; on a port without any it is the active one. */
export async function addBinding(
  tx: NetworkDb,
  deps: NetworkDeps,
  port: Row<'ports'>,
  input: BindingInput & { host: string },
): Promise<PortBinding> {
  const { host } = input
  if ((await bindingsOf(tx, port)).some((binding) => binding.host === host))
    throw conflict('PortBindingAlreadyExists', `Binding for port ${port.id} on host ${host} already exists.`)
  const values = {
    vif_type: await requireBinding(tx, deps, port, host, input.vnic_type ?? 'normal'),
    vnic_type: input.vnic_type ?? 'normal',
    profile: JSON.stringify(input.profile ?? {}),
  }
  if (port.host_id === '') {
    await updateRow(tx, 'ports', port.id, { host_id: host, status: 'DOWN', ...values, ...touched(port) })
    return { host, ...values, status: 'ACTIVE' }
  }
  await insertRow(tx, 'port_bindings', { port_id: port.id, host, ...values })
  return { host, ...values, status: 'INACTIVE' }
}

export async function changeBinding(
  tx: NetworkDb,
  port: Row<'ports'>,
  host: string,
  input: BindingInput,
): Promise<PortBinding> {
  const old = await bindingOn(tx, port, host)
  const next = {
    vif_type: old.vif_type,
    vnic_type: input.vnic_type ?? old.vnic_type,
    profile: input.profile === undefined ? old.profile : JSON.stringify(input.profile ?? {}),
  }
  if (old.status === 'ACTIVE') await updateRow(tx, 'ports', port.id, { ...next, ...touched(port) })
  else {
    await deleteRows(tx, 'port_bindings', { port_id: port.id, host })
    await insertRow(tx, 'port_bindings', { port_id: port.id, host, ...next })
  }
  return { host, ...next, status: old.status }
}

/** Removes a binding; without its active one a port is unbound. */
export async function removeBinding(tx: NetworkDb, port: Row<'ports'>, host: string): Promise<void> {
  const old = await bindingOn(tx, port, host)
  await deleteRows(tx, 'port_bindings', { port_id: port.id, host })
  if (old.status === 'ACTIVE')
    await updateRow(tx, 'ports', port.id, { host_id: '', vif_type: 'unbound', status: 'DOWN', ...touched(port) })
}

/** The server runs there now: that binding becomes the active one, and what was active waits in its place. */
export async function activate(
  tx: NetworkDb,
  deps: NetworkDeps,
  port: Row<'ports'>,
  host: string,
): Promise<PortBinding> {
  if (port.host_id === host)
    throw conflict('PortBindingAlreadyActive', `Binding for port ${port.id} on host ${host} is already active.`)
  const next = await bindingOn(tx, port, host)
  const { status: _status, host: before, ...old } = activeOf(port)
  await deleteRows(tx, 'port_bindings', { port_id: port.id, host })
  if (before !== '') await insertRow(tx, 'port_bindings', { port_id: port.id, host: before, ...old })
  const vif = await requireBinding(tx, deps, port, host, next.vnic_type)
  await updateRow(tx, 'ports', port.id, {
    host_id: host,
    vif_type: vif,
    vnic_type: next.vnic_type,
    profile: next.profile,
    status: 'DOWN',
    ...touched(port),
  })
  return { ...next, vif_type: vif, status: 'ACTIVE' }
}
