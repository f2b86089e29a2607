import assert from 'node:assert/strict'
import { test } from 'node:test'
import { obstacleOf, type Introduction, type Registry } from './host-identity.ts'

const agent = (changes: Partial<Introduction> = {}): Introduction => ({
  host: 'new',
  id: 'a1',
  cloudId: 'c1',
  guests: 2,
  ...changes,
})
const registry = (changes: Partial<Registry> = {}): Registry => ({
  cloudId: 'c1',
  named: undefined,
  known: undefined,
  lastSeenAt: undefined,
  isServed: false,
  ...changes,
})
const me = { host: 'new', id: 'a1' }

test('a host that is registered under its name works, with or without guests', () => {
  assert.equal(obstacleOf(agent(), registry({ named: me, known: me, lastSeenAt: 1 })), null)
  assert.equal(obstacleOf(agent({ guests: 0 }), registry()), null)
})

test('an agent of a release without identities is known by its name', () => {
  assert.equal(obstacleOf(agent({ cloudId: null }), registry({ lastSeenAt: 1 })), null)
})

test('each doubt is one line that names what changed and the remedy', () => {
  const cases: [Introduction, Registry, RegExp][] = [
    [
      agent(),
      registry({ known: { host: 'old', id: 'a1' } }),
      /^possible rename: this host was 'old' and is 'new' now; its 2 guests .*hostname old.*nephos host accept new$/,
    ],
    [
      agent({ guests: 0 }),
      registry({ known: { host: 'old', id: 'a1' } }),
      /^possible rename: /, // its servers would stay on a host that is gone
    ],
    [
      agent(),
      registry({ named: { host: 'new', id: 'a2' }, lastSeenAt: 0 }),
      /^two agents with one name: 'new' is registered for another agent \(a2, last heard of 1970-.*another host name.*nephos host accept new$/,
    ],
    [
      agent(),
      registry({ named: me, known: me, isServed: true }),
      /^two agents with one name: another agent process serves 'new' now\. End one of them/,
    ],
    [
      agent(),
      registry({ cloudId: 'c2' }),
      /^another control plane: the 2 guests of this host belong to c1, and c2 answers.*nephos host accept new$/,
    ],
    [
      agent({ guests: 1 }),
      registry(),
      /^this host has 1 guest and is new to the control plane.*nephos host accept new$/,
    ],
    [agent({ cloudId: null }), registry(), /^this host has 2 guests and is new/],
  ]
  for (const [who, known, line] of cases) {
    const obstacle = obstacleOf(who, known) ?? ''
    assert.match(obstacle, line)
    assert.ok(!obstacle.includes('\n'))
  }
})
