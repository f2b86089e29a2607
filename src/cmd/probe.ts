/** Asks the roles themselves whether they are there, when nobody else can tell. */
import type { RoleState } from './roles.ts'
import { urlOf, type PortName, type Settings } from './settings.ts'

const answersWithin = 2_000

/** Roles that have a port, and a request that costs them nothing. */
const ports: Readonly<Record<string, PortName>> = {
  'keystone-api': 'identity',
  'keystone-admin': 'identityAdmin',
  'placement-api': 'placement',
  'glance-api': 'image',
  'neutron-server': 'network',
  'nova-api': 'compute',
  'nova-metadata': 'metadata',
  'nova-novncproxy': 'novncproxy',
}

/** The states of `roles` now; of one without a port nothing is known since `since`. */
export function probeRoles(settings: Settings, roles: readonly RoleState[], since: string): Promise<RoleState[]> {
  return Promise.all(
    roles.map(async (role) => {
      const port = ports[role.role]
      if (!port) return { ...role, state: 'unknown' as const, since, error: null }
      const error = await reasonOfSilence(urlOf(settings, port))
      const state = error === null ? ('up' as const) : ('down' as const)
      return { role: role.role, state, since: new Date().toISOString(), error }
    }),
  )
}

/** Null where anything answers, whatever it says. */
async function reasonOfSilence(url: string): Promise<string | null> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(answersWithin), redirect: 'manual' })
    await answer.body?.cancel()
    return null
  } catch (error) {
    const { cause, message } = error as Error
    return `${url} does not answer: ${cause instanceof Error ? cause.message : message}`
  }
}
