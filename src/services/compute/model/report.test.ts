import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeReport, type Report } from './report.ts'
import type { Server } from './server.ts'

const server = (changes: Partial<Server>): Server =>
  ({
    vmState: 'active',
    taskState: null,
    powerState: 1,
    desiredPower: 'running',
    revision: 5,
    rebootGeneration: 0,
    reportedError: null,
    ...changes,
  }) as Server
const report = (changes: Partial<Report>): Report => ({
  revision: 5,
  power: 'running',
  rebootGeneration: 0,
  error: null,
  ...changes,
})

test('a report about an older wish tells the power state and nothing else', () => {
  const { changes, finished } = judgeReport(
    server({ taskState: 'powering-off', desiredPower: 'shutdown', revision: 6 }),
    report({ power: 'shutdown' }),
  )
  assert.deepEqual([changes, finished], [{ powerState: 4 }, undefined])
})

test('a task ends when the host reports what was wanted', () => {
  const { changes, finished } = judgeReport(
    server({ taskState: 'powering-off', desiredPower: 'shutdown' }),
    report({ power: 'shutdown' }),
  )
  assert.equal(finished, 'Success')
  assert.deepEqual([changes.vmState, changes.taskState], ['stopped', null])
})

test('a reboot is over only when its generation was carried out', () => {
  const rebooting = server({ taskState: 'rebooting', rebootGeneration: 2 })
  assert.equal(judgeReport(rebooting, report({ rebootGeneration: 1 })).finished, undefined)
  assert.equal(judgeReport(rebooting, report({ rebootGeneration: 2 })).finished, 'Success')
})

test('a task that failed leaves the server as it is, with the reason, and wants no more than that', () => {
  const error = { message: 'no', detail: 'why' }
  const outcome = judgeReport(
    server({ vmState: 'stopped', taskState: 'powering-on' }),
    report({ power: 'shutdown', error }),
  )
  assert.deepEqual(
    [outcome.finished, outcome.fault, outcome.changes.vmState, outcome.changes.desiredPower],
    ['Error', error, 'stopped', 'shutdown'],
  )
  const { changes } = judgeReport(server({ taskState: 'rebooting', rebootGeneration: 1 }), report({ error }))
  assert.deepEqual([changes.vmState, changes.rebootGeneration], ['error', 0])
})

test('a guest that ends by itself stays off; one that fails is in error', () => {
  assert.equal(judgeReport(server({}), report({ power: 'shutdown' })).changes.vmState, 'stopped')
  assert.equal(judgeReport(server({}), report({ power: 'missing' })).changes.desiredPower, 'shutdown')
  assert.equal(
    judgeReport(server({}), report({ power: 'shutdown', error: { message: 'm', detail: 'd' } })).changes.vmState,
    'error',
  )
})

test('builds and deletes are left to their sagas', () => {
  const building = judgeReport(server({ vmState: 'building', taskState: 'spawning' }), report({}))
  assert.deepEqual([building.changes.vmState, building.finished], [undefined, undefined])
})

test('a host that did more than the database knows is believed: what runs is wanted, the next wish comes after it', () => {
  const outcome = judgeReport(server({ vmState: 'stopped', desiredPower: 'shutdown' }), report({ revision: 9 }))
  const { vmState, desiredPower, revision } = outcome.changes
  assert.deepEqual([vmState, desiredPower, revision], ['active', 'running', 10])
  assert.match(outcome.note ?? '', /older than what its host did/)
  const off = judgeReport(server({}), report({ revision: 9, power: 'shutdown', rebootGeneration: 3 })).changes
  assert.deepEqual([off.vmState, off.desiredPower, off.rebootGeneration], ['stopped', 'shutdown', 3])
})

test('what is under way in such a database is wanted still, after all that the host knows', () => {
  const stop = server({ taskState: 'powering-off', desiredPower: 'shutdown' })
  const kept = judgeReport(stop, report({ revision: 9 })).changes
  assert.deepEqual([kept.revision, kept.desiredPower, kept.vmState], [10, undefined, undefined])
  const reboot = server({ taskState: 'rebooting', rebootGeneration: 1 })
  const { changes } = judgeReport(reboot, report({ revision: 9, rebootGeneration: 4 }))
  assert.deepEqual([changes.rebootGeneration, changes.desiredPower], [5, undefined])
  const absent = judgeReport(server({ desiredPower: 'absent', taskState: 'deleting' }), report({ revision: 9 })).changes
  assert.deepEqual([absent.desiredPower, absent.revision], [undefined, 10])
})
