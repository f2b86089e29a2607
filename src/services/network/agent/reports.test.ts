import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PortReports, type PortReport } from './reports.ts'

const none = new Map<string, string>()
const noDhcp = new Map([['a', 'no dnsmasq']])

function told(reports: PortReports, ...state: Parameters<PortReports['differences']>): PortReport | undefined {
  const report = reports.differences(...state)
  if (report) reports.delivered(report)
  return report
}

test('only changes are told, everything after repeatAll', () => {
  const reports = new PortReports()
  assert.deepEqual(told(reports, ['a', 'b'], new Set(['a']), none), { up: ['a'], down: ['b'], errors: [] })
  assert.equal(told(reports, ['a', 'b'], new Set(['a']), none), undefined)
  assert.deepEqual(told(reports, ['a', 'b'], new Set(['b']), none), { up: ['b'], down: ['a'], errors: [] })
  reports.repeatAll()
  assert.deepEqual(told(reports, ['a', 'b'], new Set(['b']), none), { up: ['b'], down: ['a'], errors: [] })
})

test('a port whose network has no DHCP waits; its trouble is told once, when it does not pass by itself', () => {
  const reports = new PortReports()
  const wired = new Set(['a'])
  assert.equal(told(reports, ['a'], wired, noDhcp, 0), undefined)
  assert.equal(told(reports, ['a'], wired, noDhcp, 4000), undefined)
  const errors = [{ portId: 'a', message: 'no dnsmasq' }]
  assert.deepEqual(told(reports, ['a'], wired, noDhcp, 6000), { up: [], down: [], errors })
  assert.equal(told(reports, ['a'], wired, noDhcp, 9000), undefined)
  assert.deepEqual(told(reports, ['a'], wired, none, 10_000), { up: ['a'], down: [], errors: [] })
  assert.equal(told(reports, ['a'], wired, noDhcp, 11_000), undefined, 'what runs is not taken down')
})
