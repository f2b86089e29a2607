import { HttpError } from './errors.ts'
import type { IncomingHttpHeaders } from 'node:http'
import { Invalid } from '../errors.ts'
import type { ApiDefinition } from './service.ts'
import type { ApiVersion } from './versions.ts'

/**
 * The microversion that a request asks for: `OpenStack-API-Version: compute 2.10`, an older header, else the minimum.
 * Throws 400 on a malformed and 406 on an unsupported version.
 * Source: API SIG guideline "Microversion Specification".
 */
export function negotiate(definition: ApiDefinition, headers: IncomingHttpHeaders): ApiVersion {
  const { table, legacyHeader, form = /^\d+\.\d+$/ } = definition.microversions!
  const asked = fromHeader(definition.type, headers['openstack-api-version'])
  const legacy = legacyHeader ? headers[legacyHeader.toLowerCase()] : undefined
  const text = (asked ?? (typeof legacy === 'string' ? legacy.trim() : undefined)) || table.min
  const isWellFormed = text === 'latest' || form.test(text)
  const version = isWellFormed ? table.parse(text) : undefined
  if (version) return version
  const why = isWellFormed ? 'unsupported' : 'malformed'
  const refusal = definition.microversions!.refuse?.(text, why)
  if (refusal) throw refusal
  if (why === 'malformed') {
    throw new Invalid(`API Version String ${text} is of invalid format. Must be of format MajorNum.MinorNum.`)
  }
  throw new HttpError(
    406,
    `Version ${text} is not supported by the API. Minimum is ${table.min} and maximum is ${table.max}.`,
  )
}

/** One header may name several services: `compute 2.10, volume 3.1`. */
function fromHeader(type: string, header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined
  for (const part of [header].flat().join(',').split(',')) {
    const [service, version] = part.trim().split(/\s+/)
    if (service?.toLowerCase() === type && version) return version
  }
  return undefined
}

/** The headers that every answer of a service with microversions carries. */
export function versionHeaders(definition: ApiDefinition, version: ApiVersion | undefined): Record<string, string> {
  const { table, legacyHeader, vary } = definition.microversions!
  const text = version?.text ?? table.min
  return {
    'OpenStack-API-Version': `${definition.type} ${text}`,
    ...(legacyHeader && { [legacyHeader]: text }),
    Vary: vary ?? ['OpenStack-API-Version', legacyHeader].filter(Boolean).join(', '),
  }
}
