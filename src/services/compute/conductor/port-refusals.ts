/** What neutron refuses when ports are made or bound, in nova's words: users can do something about most of it. */
import { messageIn, RemoteError } from '../../../platform/http/client.ts'
import { PortRefused } from '../errors.ts'
import type { WantedPort } from './ports.ts'

/** The refusal that the user is to read; any other error as it is. */
export function explainRefusal(error: unknown, wanted: WantedPort, serverId: string): unknown {
  if (!(error instanceof RemoteError) || error.status >= 500) return error
  const [status, message] = refusalOf(error, wanted, serverId)
  return new PortRefused(status, message, error.message)
}

function refusalOf({ status, body }: RemoteError, { networkId, portId, fixedIp }: WantedPort, serverId: string) {
  const type = JSON.stringify(body ?? '')
  if (status === 404)
    return [
      404,
      portId === null ? `Network ${networkId} could not be found.` : `Port id ${portId} could not be found.`,
    ] as const
  if (type.includes('OverQuota')) return [403, 'Maximum number of ports exceeded'] as const
  if (type.includes('IpAddressGenerationFailure'))
    return [400, `No fixed IP addresses available for network: ${networkId}`] as const
  if (fixedIp !== null && status === 409 && /IpAddress|IPAddress/.test(type))
    return [409, `Fixed IP address ${fixedIp} is already in use on instance ${serverId}.`] as const
  return [status, messageIn(body)] as const
}
