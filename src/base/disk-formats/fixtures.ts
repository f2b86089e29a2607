/** Hand-written disk images for the tests: each is as small as its format allows, with one trick in it. */

type Patch = [at: number, value: string | Uint8Array]

export function image(size: number, ...patches: Patch[]): Uint8Array {
  const bytes = Buffer.alloc(size)
  for (const [at, value] of patches) bytes.set(typeof value === 'string' ? Buffer.from(value, 'latin1') : value, at)
  return new Uint8Array(bytes)
}

export function big(width: 2 | 4 | 8, value: number | bigint): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes.subarray(8 - width)
}

export function little(width: 2 | 4 | 8, value: number | bigint): Uint8Array {
  return Uint8Array.from(big(width, value)).reverse()
}

export function qcow2(...patches: Patch[]): Uint8Array {
  return image(
    1024,
    [0, 'QFI\xfb'],
    [4, big(4, 3)],
    [20, big(4, 16)],
    [24, big(8, 1 << 20)],
    [36, big(4, 1)],
    [40, big(8, 512)],
    [100, big(4, 104)],
    ...patches,
  )
}

export const DESCRIPTOR = [
  '# Disk DescriptorFile',
  'version=1',
  'CID=12345678',
  'parentCID=ffffffff',
  'createType="monolithicSparse"',
  '',
  '# Extent description',
  'RW 2048 SPARSE "disk.vmdk"',
  '',
  'ddb.adapterType = "ide"',
  '',
].join('\n')

export function vmdk(descriptor = DESCRIPTOR, ...patches: Patch[]): Uint8Array {
  return image(
    Math.max(32 * 512, 512 + descriptor.length),
    [0, 'KDMV'],
    [4, little(4, 1)],
    [12, little(8, 2048)],
    [28, little(8, 1)],
    [36, little(8, 20)],
    [512, descriptor],
    ...patches,
  )
}

/** A stream-optimized VMDK: its footer repeats the header, with the place of the grain directory filled in. */
export function streamOptimized(...patches: Patch[]): Uint8Array {
  const descriptor = DESCRIPTOR.replace('monolithicSparse', 'streamOptimized')
  const head = vmdk(descriptor, [56, little(8, 0xffff_ffff_ffff_ffffn)])
  const footer = image(3 * 512, [12, little(4, 3)], [512, head.subarray(0, 512)], [512 + 56, little(8, 21)], ...patches)
  return Buffer.concat([head, footer])
}

export function vdi(...patches: Patch[]): Uint8Array {
  return image(
    1024,
    [0x40, little(4, 0xbeda107f)],
    [0x44, little(4, 0x10001)],
    [0x4c, little(4, 1)],
    [0x158, little(4, 1024)],
    [0x170, little(8, 1 << 20)],
    ...patches,
  )
}

export function vhdFooter(type: number, size: number): Uint8Array {
  return image(512, [0, 'conectix'], [16, big(8, 512)], [40, big(8, size)], [48, big(8, size)], [60, big(4, type)])
}

export function vhd(...patches: Patch[]): Uint8Array {
  return image(4096, [0, vhdFooter(3, 1 << 20)], [512, 'cxsparse'], [4096 - 512, vhdFooter(3, 1 << 20)], ...patches)
}

export function iso(...patches: Patch[]): Uint8Array {
  return image(
    64 * 1024,
    [32768, '\x01CD001\x01'],
    [32768 + 80, little(4, 100)],
    [32768 + 128, little(2, 2048)],
    [34816, '\xffCD001\x01'],
    ...patches,
  )
}

/** A partition table with one partition, of the given type. */
export function disk(type = 0x83, ...patches: Patch[]): Uint8Array {
  const entry = image(16, [1, '\x00\x02\x00'], [4, Uint8Array.of(type)], [8, little(4, 1)], [12, little(4, 100)])
  return image(4096, [446, entry], [510, '\x55\xaa'], ...patches)
}

export function luks(...patches: Patch[]): Uint8Array {
  return image(4096, [0, 'LUKS\xba\xbe'], [6, big(2, 1)], [104, big(4, 4)], ...patches)
}

export function ploop(...patches: Patch[]): Uint8Array {
  return image(4096, [0, 'WithouFreSpacExt'], [16, little(4, 2)], [36, little(8, 2048)], ...patches)
}

const MIB = 1 << 20

function guid(text: string): Uint8Array {
  const hex = Buffer.from(text.replaceAll('-', ''), 'hex')
  const [a, b, c] = [hex.subarray(0, 4), hex.subarray(4, 6), hex.subarray(6, 8)]
  return Buffer.concat([...[a, b, c].map((part) => Uint8Array.from(part).reverse()), hex.subarray(8)])
}

export const VHDX_PARENT_LOCATOR = guid('a8d35f2d-b30b-454d-abf7-d3d84834ab0c')
export const VHDX_UNKNOWN = guid('00000000-b30b-454d-abf7-d3d84834ab0c')

export function vhdx(...patches: Patch[]): Uint8Array {
  const region = image(
    64 * 1024,
    [0, 'regi'],
    [8, little(4, 1)],
    [16, guid('8b7ca206-4790-4b9a-b8fe-575f050f886e')],
    [32, little(8, MIB)],
    [44, little(4, 1)],
  )
  return image(
    2 * MIB,
    [0, 'vhdxfile'],
    [64 * 1024, 'head'],
    [192 * 1024, region],
    [256 * 1024, region],
    [MIB, 'metadata'],
    [MIB + 10, little(2, 2)],
    [MIB + 32, guid('2fa54224-cd1b-4876-b211-5dbed83bf4b8')],
    [MIB + 48, little(4, 65536 + 8)],
    [MIB + 64, guid('caa16737-fa36-4d43-b3b6-33f0aa44e76b')],
    [MIB + 80, little(4, 65536)],
    [MIB + 65536, little(4, 1 << 25)],
    [MIB + 65536 + 8, little(8, MIB)],
    ...patches,
  )
}
