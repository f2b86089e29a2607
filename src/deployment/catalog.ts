import { services } from './services.ts'
import { urlOf, type Settings } from './settings.ts'

/** The endpoint of a service as the catalog has it. */
export const endpointOf = (
  settings: Settings,
  { type, endpointPath }: { type: string; endpointPath: string },
): string => urlOf(settings, type) + endpointPath

/** The services of the catalog with their endpoints, as DevStack registers them. */
export const catalogOf = (
  settings: Settings,
): { type: string; name: string; urls: Record<'public' | 'internal' | 'admin', string> }[] =>
  services.map((service) => {
    const url = endpointOf(settings, service)
    return { type: service.type, name: service.codeName, urls: { public: url, internal: url, admin: url } }
  })
