/** Which hardware this host can give a guest: what QEMU and the firmware here have. */
import { existsSync } from 'node:fs'
import { copyFile, rename } from 'node:fs/promises'
import { run, type RunAs } from '../../../../host/command.ts'
import { qemuProgram } from '../../../../host/qemu.ts'
import { InvalidProperty, RefusedProperty, type Hardware } from '../../model/hardware/hardware.ts'
import { readHardware } from '../../model/hardware/read.ts'
import type { DesiredServer } from '../../rpc/conductor.ts'
import { DriverError } from '../driver.ts'
import type { GuestFolder } from './folder.ts'
import { giveTo } from './identity.ts'

/** Debian's package ovmf, and where others put it. */
const firmwares = [
  { uefi: '/usr/share/OVMF/OVMF_CODE_4M.fd', settings: '/usr/share/OVMF/OVMF_VARS_4M.fd' },
  { uefi: '/usr/share/OVMF/OVMF_CODE.fd', settings: '/usr/share/OVMF/OVMF_VARS.fd' },
  { uefi: '/usr/share/edk2/ovmf/OVMF_CODE.fd', settings: '/usr/share/edk2/ovmf/OVMF_VARS.fd' },
]

export class HardwareOfHost {
  readonly #firmware = firmwares.find(({ uefi, settings }) => existsSync(uefi) && existsSync(settings))
  #machines: Promise<ReadonlySet<string>> | undefined

  /** Where UEFI's code is. */
  get firmware(): { uefi?: string } {
    return this.#firmware ? { uefi: this.#firmware.uefi } : {}
  }

  /** Throws what the server's owner should read where it cannot be had. */
  async of({ id, image, extraSpecs, vcpus }: DesiredServer): Promise<Hardware> {
    const hardware = read(id, image?.properties ?? {}, extraSpecs, vcpus)
    if (hardware.firmware === 'uefi' && !this.#firmware) {
      throw new DriverError('hw_firmware_type=uefi cannot be had: this host has no UEFI.', 'install ovmf')
    }
    const { machineVersion } = hardware
    if (machineVersion !== null && !(await (this.#machines ??= listMachines())).has(machineVersion)) {
      const message = `hw_machine_type=${machineVersion} cannot be had: this host's QEMU has no such machine.`
      throw new DriverError(message, `${qemuProgram} -machine help lists those that it has`)
    }
    return hardware
  }

  /** What UEFI remembers of a guest begins as the firmware brings it. */
  async makeNvram({ nvram }: GuestFolder, runAs: RunAs | undefined): Promise<void> {
    if (!existsSync(nvram)) {
      await copyFile(this.#firmware!.settings, `${nvram}.new`)
      await rename(`${nvram}.new`, nvram)
    }
    await giveTo(runAs, nvram)
  }
}

function read(id: string, properties: Record<string, string>, extraSpecs: Record<string, string>, vcpus: number) {
  try {
    return readHardware(properties, extraSpecs, vcpus)
  } catch (error) {
    if (!(error instanceof InvalidProperty || error instanceof RefusedProperty)) throw error
    throw new DriverError(`${error.message}.`, `server ${id}`, { cause: error, isEverywhere: true })
  }
}

async function listMachines(): Promise<ReadonlySet<string>> {
  const { stdout } = await run([qemuProgram, '-machine', 'help'], { timeoutMs: 10_000 })
  return new Set(stdout.split('\n').flatMap((line) => line.split(' ')[0] || []))
}
