import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { createContext } from '../auth/context.ts'
import type { Credentials } from '../auth/credentials.ts'
import { PolicyEnforcer } from '../auth/policy.ts'
import type { Logger } from '../log/log.ts'
import { auditOf } from './audit.ts'

/** The log lines that `work` leads to. */
function linesOf(work: (audit: ReturnType<typeof auditOf>) => void): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = []
  const note = (fields: object, message: string) => void lines.push({ ...fields, message })
  const log: Logger = { debug: note, info: note, warn: note, error: note, child: () => log }
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    work(auditOf(log))
    mock.timers.tick(60_000)
  } finally {
    mock.timers.reset()
  }
  return lines
}

const joe = { userId: 'joe', projectId: 'p', roles: ['member'] } as unknown as Credentials
const contextOf = (credentials: Credentials | null) => createContext(new PolicyEnforcer([]), 'req-1', credentials)

test('P18: a flood of requests without a token leaves twenty lines of an address and a number', () => {
  const lines = linesOf((audit) => {
    for (let n = 0; n < 5000; n++) {
      const request = { method: n % 2 === 0 ? 'GET' : 'POST', url: `/${n}`, peer: '10.0.0.7' }
      audit({ request, status: 401, requestId: `req-${n}`, ctx: undefined })
    }
    audit({ request: { method: 'GET', url: '/', peer: '10.0.0.8' }, status: 401, requestId: 'other', ctx: undefined })
  })
  assert.equal(lines.length, 22)
  assert.equal(lines.filter(({ requestId }) => requestId === 'other').length, 1)
  assert.deepEqual(lines.at(-1), { audit: true, peer: '10.0.0.7', more: 4980, message: 'refused, and more like it' })
})

test('P18: what a known user tried to change is told each time, also in a flood from his address', () => {
  const changes = linesOf((audit) => {
    for (let n = 0; n < 1000; n++) {
      const request = { method: 'DELETE', url: `/${n}`, peer: '10.0.0.7' }
      audit({ request, status: 401, requestId: 'none', ctx: undefined })
      audit({ request, status: 403, requestId: 'joe', ctx: contextOf(joe), detail: 'a rule' })
      audit({ request: { ...request, method: 'GET' }, status: 403, requestId: 'read', ctx: contextOf(joe) })
    }
  })
  const of = (id: string) => changes.filter(({ requestId }) => requestId === id)
  assert.deepEqual([of('joe').length, of('joe')[0]?.['detail']], [1000, 'a rule'])
  assert.equal(of('none').length + of('read').length, 20)
})
