import { Invalid } from '../../../../platform/errors.ts'
import type { Problem } from '../../../../platform/http/schema.ts'

const booleans = new Set([
  'admin_state_up',
  'shared',
  'router:external',
  'is_default',
  'port_security_enabled',
  'enable_dhcp',
  'enable_snat',
  'stateful',
])
const refuse = (message: string) => new Invalid(message, { code: 'HTTPBadRequest' })

/** A wrong body in neutron's words. */
export function invalid({ path, value, message }: Problem): Invalid {
  const required = /^'(.+)' is a required property$/.exec(message)?.[1]
  const unknown = /^Additional properties are not allowed \('(.+)' was unexpected\)$/.exec(message)?.[1]
  if (required !== undefined && path.length === 0) return refuse(`Unable to find '${required}' in request body`)
  if (path.length === 0 && /enough properties/.test(message)) return refuse('Resource body required')
  if (required !== undefined) return refuse(`Failed to parse request. Required attribute '${required}' not specified`)
  if (unknown !== undefined) return refuse(`Unrecognized attribute(s) '${unknown}'`)
  // The attribute, not the place in its list.
  const field = path.findLast((each) => !/^\d+$/.test(each)) ?? 'body'
  const isBoolean = /is not valid under any/.test(message) && booleans.has(field)
  return refuse(
    isBoolean
      ? `Invalid input for ${field}. Reason: '${String(value)}' cannot be converted to boolean.`
      : `Invalid input for ${field}. Reason: ${message}.`,
  )
}
