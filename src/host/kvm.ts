/**
 * Whether KVM really works here. That /dev/kvm exists says little: in nested or emulated virtualization it may refuse to
 * run anything, or run the BIOS a hundred times slower than QEMU's own emulation. So a guest is booted to find out.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommandFailed, run } from './command.ts'

/** `reason` is for an operator who wonders why guests are emulated. */
export type AccelProbe = { works: true; bootMs: number } | { works: false; reason: string }

/** The disk is larger than its one sector of code, because the BIOS boots from nothing smaller. */
const diskBytes = 1024 * 1024
const exitPort = 0xf4
const exitValue = 0x21
/** QEMU's isa-debug-exit ends with this when the guest writes `exitValue`. */
const expectedExitCode = (exitValue << 1) | 1

/** Boots a guest of one sector through the BIOS, which only tells that it ran. */
export async function probeAccel(accel: 'kvm' | 'tcg', { timeoutMs = 2000 } = {}): Promise<AccelProbe> {
  const dir = await mkdtemp(join(tmpdir(), 'nephos-probe-'))
  try {
    const disk = join(dir, 'disk')
    await writeFile(disk, bootDisk(), { mode: 0o600 })
    const startedAt = performance.now()
    const error: unknown = await run(probeArguments(accel, disk), { timeoutMs, withoutNetwork: true }).then(
      () => undefined,
      (failure: unknown) => failure,
    )
    if (!(error instanceof CommandFailed)) return { works: false, reason: `the probe guest ended strangely: ${error}` }
    if (error.exitCode === expectedExitCode) return { works: true, bootMs: Math.round(performance.now() - startedAt) }
    if (error.reason === 'timeout') return { works: false, reason: `a probe guest did not boot within ${timeoutMs} ms` }
    return { works: false, reason: error.message }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** A probe that runs once, when it is first asked, and remembers. */
export function rememberedProbe(accel: 'kvm' | 'tcg', options: { timeoutMs?: number } = {}): () => Promise<AccelProbe> {
  let answer: Promise<AccelProbe> | undefined
  return () => (answer ??= probeAccel(accel, options))
}

function probeArguments(accel: string, disk: string): string[] {
  return [
    'qemu-system-x86_64',
    '-machine',
    'q35',
    '-accel',
    accel,
    '-m',
    '32',
    '-nodefaults',
    '-no-user-config',
    '-display',
    'none',
    '-blockdev',
    JSON.stringify({ driver: 'file', filename: disk, 'node-name': 'disk', 'read-only': true }),
    '-device',
    JSON.stringify({ driver: 'virtio-blk-pci', drive: 'disk', bootindex: 1 }),
    '-device',
    JSON.stringify({ driver: 'isa-debug-exit', iobase: exitPort, iosize: 4 }),
  ]
}

function bootDisk(): Buffer {
  const disk = Buffer.alloc(diskBytes)
  // mov al, exitValue; out exitPort, al; halt: hlt; jmp halt
  disk.set([0xb0, exitValue, 0xe6, exitPort, 0xf4, 0xeb, 0xfd])
  disk.set([0x55, 0xaa], 510)
  return disk
}
