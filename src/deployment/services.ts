/** The services of the whole program. This is the only place that lists them. */
import type { PortDefinition, RoleDefinition, ServiceDefinition } from '../platform/service.ts'
import { compute } from '../services/compute/service.ts'
import { identity } from '../services/identity/service.ts'
import { image } from '../services/image/service.ts'
import { network } from '../services/network/service.ts'
import { objectStorage } from '../services/object-storage/service.ts'
import { placement } from '../services/placement/service.ts'

const all = [identity, image, placement, compute, network, objectStorage] as const

type Keys<T> = T extends T ? keyof T : never
/** Name of a port of any service. */
export type ServicePort = Keys<(typeof all)[number]['ports']>

export const services: readonly ServiceDefinition[] = all

/** Throws where there is none of that type. */
export function serviceOf(type: string): ServiceDefinition {
  const found = services.find((each) => each.type === type)
  if (!found) throw new Error(`${type} is no service`)
  return found
}

/** Every role of every service by its name. */
export const roles: ReadonlyMap<string, RoleDefinition & { service: ServiceDefinition }> = new Map(
  services.flatMap((service) =>
    Object.entries(service.roles).map(([name, role]) => [name, { ...role, service }] as const),
  ),
)

/** Names of all roles of a kind. */
export const rolesOfKind = (kind: RoleDefinition['kind']): string[] =>
  [...roles].filter(([, role]) => role.kind === kind).map(([name]) => name)

/** Users of the services in project `service`. */
export const serviceUsers: readonly string[] = services.flatMap(({ user }) => user ?? [])

export const servicePorts: ReadonlyMap<string, PortDefinition> = new Map(
  services.flatMap(({ ports }) => Object.entries(ports)),
)
