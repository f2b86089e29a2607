import type { ApiVersion } from '../../../../platform/http/versions.ts'
import type { Flavor } from '../../model/flavor.ts'
import { linksOf } from '../links.ts'
import type { ShownFlavor } from './schema.ts'

export const viewFlavorBrief = (flavor: Flavor, baseUrl: string, version: ApiVersion) => ({
  id: flavor.id,
  name: flavor.name,
  links: linksOf(baseUrl, 'flavors', flavor.id),
  ...(version.has('flavor-description') && { description: flavor.description }),
})

export const viewFlavor = (flavor: Flavor, baseUrl: string, version: ApiVersion, seesSpecs: boolean): ShownFlavor => ({
  id: flavor.id,
  name: flavor.name,
  ram: flavor.memoryMb,
  disk: flavor.rootGb,
  swap: flavor.swapMb === 0 && !version.has('cleanup') ? '' : flavor.swapMb,
  'OS-FLV-EXT-DATA:ephemeral': flavor.ephemeralGb,
  'OS-FLV-DISABLED:disabled': false,
  vcpus: flavor.vcpus,
  'os-flavor-access:is_public': flavor.isPublic,
  rxtx_factor: flavor.rxtxFactor,
  links: linksOf(baseUrl, 'flavors', flavor.id),
  ...(version.has('flavor-description') && { description: flavor.description }),
  ...(version.has('flavor-extra-specs') && seesSpecs && { extra_specs: flavor.extraSpecs }),
})
