/** What a host can give guests, in placement's words. Source: os-traits (compute), nova/virt/libvirt/driver.py. */
import { hardwareTable } from '../../model/hardware/table.ts'
import { diskFormats } from './image-cache.ts'

/** Traits that are one word for each value of a property. */
const families: Readonly<Record<string, string>> = {
  hw_disk_bus: 'COMPUTE_STORAGE_BUS',
  hw_vif_model: 'COMPUTE_NET_VIF_MODEL',
  hw_video_model: 'COMPUTE_GRAPHICS_MODEL',
}
/** Former names of values are no models of their own. */
const isFormer = (value: string) => value.startsWith('virtual')
/** A partition table is no format for placement. */
const imageTypes = diskFormats.filter((format) => format !== 'gpt')
const always =
  'ARCH_X86_64 FIRMWARE_BIOS DEVICE_TAGGING NET_ATTACH_INTERFACE NET_ATTACH_INTERFACE_WITH_TAG NET_VIRTIO_PACKED'

export function hostTraits({ hasUefi }: { hasUefi: boolean }): string[] {
  const ofValues = hardwareTable.flatMap(({ property, values }) => {
    const family = families[property]
    if (family === undefined) return []
    return values.split(', ').flatMap((value) => (isFormer(value) ? [] : `${family}_${value.toUpperCase()}`))
  })
  return [
    ...always.split(' ').map((name) => `COMPUTE_${name}`),
    ...(hasUefi ? ['COMPUTE_FIRMWARE_UEFI'] : []),
    ...imageTypes.map((format) => `COMPUTE_IMAGE_TYPE_${format.toUpperCase()}`),
    ...ofValues,
  ]
}
