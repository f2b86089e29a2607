/** What neutron refuses when ports are made or bound, in nova's words: users can do something about most of it. */
import { messageIn, RemoteError } from '../../../platform/http/client.ts'
import { PortRefused } from '../errors.ts'
import type { WantedPort } from './ports.ts'

/** The refusal that the user is to read; any other error as it is. */
export function explainRefusal(error: unknown, wanted: WantedPort, serverId: string): unknown {
  if (!(error instanceof RemoteError) || error.status >= 500) return error
  const [kind, message] = refusalOf(error, wanted, serverId)
  return new PortRefused(kind, message, error.message)
}

function refusalOf({ status, kind, body }: RemoteError, { networkId, portId, fixedIp }: WantedPort, serverId: string) {
  const type = JSON.stringify(body ?? '')
  if (status === 404)
    return [
      'not-found',
      portId === null ? `Network ${networkId} could not be found.` : `Port id ${portId} could not be found.`,
    ] as const
  if (type.includes('OverQuota')) return ['forbidden', 'Maximum number of ports exceeded'] as const
  if (type.includes('IpAddressGenerationFailure'))
    return ['invalid', `No fixed IP addresses available for network: ${networkId}`] as const
  if (fixedIp !== null && status === 409 && /IpAddress|IPAddress/.test(type))
    return ['conflict', `Fixed IP address ${fixedIp} is already in use on instance ${serverId}.`] as const
  return [kind, messageIn(body)] as const
}
