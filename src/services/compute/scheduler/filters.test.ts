import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { inventoryOf } from '../conductor/host-reports.ts'
import { loadComputeConfig } from '../config.ts'
import type { Host } from '../model/host.ts'
import { applyFilters, type Facts, type Request } from './filters.ts'

function configured(t: TestContext, text: string) {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-filters-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'nova.conf'), text)
  const remarks: string[] = []
  return { config: loadComputeConfig([join(folder, 'nova.conf')], (remark) => void remarks.push(remark)), remarks }
}

const host = {
  host: 'one',
  report: { vcpus: 8, memoryMb: 4096, diskGb: 100, architecture: 'x86_64', hypervisorType: 'QEMU' },
  service: { isDisabled: true, disabledReason: null },
} as unknown as Host
const request: Request = {
  zone: null,
  image: {},
  group: null,
  groupHosts: [],
  differentHosts: [],
  sameHosts: null,
  requestedHost: null,
  triedHosts: [],
}

test('[filter_scheduler] enabled_filters, also under its name of before: which hosts are kept away, and what is not built', (t) => {
  const passes = (text: string, wanted: Partial<Request> = {}) => {
    const { config, remarks } = configured(t, text)
    const facts: Facts = {
      downTimeS: 1,
      defaultZone: 'nova',
      aggregates: [],
      enabledFilters: config.enabledFilters,
    }
    return { isLeft: applyFilters([host], { ...request, ...wanted }, facts).hosts.length === 1, remarks }
  }
  assert.equal(passes('').isLeft, false, 'the host is disabled')
  const some = '[filter_scheduler]\nenabled_filters = ImagePropertiesFilter,NUMATopologyFilter,RamFilter\n'
  assert.equal(passes(some).isLeft, true)
  assert.match(passes(some).remarks[0]!, /enabled_filters: NUMATopologyFilter is not built; it keeps no host away/)
  assert.equal(passes(some).remarks.length, 1)
  assert.equal(passes(some, { image: { hw_architecture: 'aarch64' } }).isLeft, false)
  assert.equal(passes(some, { triedHosts: ['one'] }).isLeft, false, 'what a build needs is always checked')
  assert.equal(passes('[DEFAULT]\nscheduler_default_filters = ImagePropertiesFilter\n').isLeft, true)
})

test('cpu_allocation_ratio and its like go before the initial ones', (t) => {
  const ratio = (text: string) => inventoryOf(configured(t, text), host.report)['VCPU']?.allocation_ratio
  assert.equal(ratio(''), 4)
  assert.equal(ratio('[DEFAULT]\ninitial_cpu_allocation_ratio = 2\n'), 2)
  assert.equal(ratio('[DEFAULT]\ninitial_cpu_allocation_ratio = 2\ncpu_allocation_ratio = 16.0\n'), 16)
})
