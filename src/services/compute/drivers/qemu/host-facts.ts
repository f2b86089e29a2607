import { readFile, statfs } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import type { HostReport } from '../../rpc/conductor.ts'
import { run } from '../../../../host/command.ts'
import { qemuProgram } from '../../../../host/qemu.ts'
import { hostTraits } from './traits.ts'

/** What this host has, from /proc and its file system. */
export async function hostFacts(
  host: string,
  { stateDir, runningGuests, hasUefi }: { stateDir: string; runningGuests: number; hasUefi: boolean },
): Promise<HostReport> {
  const memory = await readFile('/proc/meminfo', 'utf8')
  const { bsize, blocks } = await statfs(stateDir)
  const model = /^model name\s*:\s*(.*)$/m.exec(await readFile('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown'
  return {
    hypervisorType: 'QEMU',
    hypervisorVersion: await qemuVersion(),
    hypervisorHostname: host,
    hostIp: '127.0.0.1',
    vcpus: availableParallelism(),
    memoryMb: Math.floor(Number(/^MemTotal:\s+(\d+)/m.exec(memory)?.[1] ?? 0) / 1024),
    diskGb: Math.floor((bsize * blocks) / 1024 ** 3),
    runningGuests,
    cpuInfo: JSON.stringify({ arch: 'x86_64', model }),
    architecture: 'x86_64',
    traits: hostTraits({ hasUefi }),
  }
}

/** As nova counts: 7.2.5 is 7002005. */
async function qemuVersion(): Promise<number> {
  const { stdout } = await run([qemuProgram, '--version'], { timeoutMs: 10_000 })
  const [, major = 0, minor = 0, micro = 0] = /version (\d+)\.(\d+)\.(\d+)/.exec(String(stdout)) ?? []
  return Number(major) * 1_000_000 + Number(minor) * 1000 + Number(micro)
}
