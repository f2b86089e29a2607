import { urlOf, type Settings } from './settings.ts'

/** The services of the catalog with their endpoints, as DevStack registers them. */
export function catalogOf(
  settings: Settings,
): { type: string; name: string; urls: Record<'public' | 'internal' | 'admin', string> }[] {
  return addresses(settings).map(({ type, name, url }) => ({
    type,
    name,
    urls: { public: url, internal: url, admin: url },
  }))
}

function addresses(settings: Settings): { type: string; name: string; url: string }[] {
  return [
    { type: 'identity', name: 'keystone', url: `${urlOf(settings, 'identity')}/v3` },
    { type: 'image', name: 'glance', url: urlOf(settings, 'image') },
    { type: 'placement', name: 'placement', url: urlOf(settings, 'placement') },
    { type: 'compute', name: 'nova', url: `${urlOf(settings, 'compute')}/v2.1` },
    { type: 'network', name: 'neutron', url: urlOf(settings, 'network') },
  ]
}
