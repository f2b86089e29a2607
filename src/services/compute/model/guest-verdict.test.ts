import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verdictOf, type Evidence } from './guest-verdict.ts'
import type { Server } from './server.ts'

const server = (changes: Partial<Server>): Server =>
  ({
    deletedAt: null,
    taskState: null,
    host: 'h2',
    launchedAt: 1,
    triedHosts: [],
    revision: 5,
    ...changes,
  }) as Server
const evidence = (changes: Partial<Evidence>): Evidence => ({
  server: undefined,
  isBuried: false,
  isBusy: false,
  ...changes,
})

test('only a server that was deleted, or whose build went on elsewhere, is a reason to remove a guest', () => {
  const cases: [string, number, Evidence, string][] = [
    ['no row and no tombstone: an older, an empty or another database', 3, evidence({}), 'unknown'],
    ['a tombstone whose row was purged', 3, evidence({ isBuried: true }), 'deleted'],
    ['a deleted row, however old', 9, evidence({ server: server({ deletedAt: 1, host: null }) }), 'deleted'],
    [
      'a host that gave up, while the server runs on another',
      3,
      evidence({ server: server({ triedHosts: ['h1'] }) }),
      'moved',
    ],
    [
      'the same in a database older than what the host did',
      6,
      evidence({ server: server({ triedHosts: ['h1'] }) }),
      'elsewhere',
    ],
    [
      'the same before the other host has it',
      3,
      evidence({ server: server({ triedHosts: ['h1'], launchedAt: null }) }),
      'elsewhere',
    ],
    ['a server of another host', 3, evidence({ server: server({}) }), 'elsewhere'],
    ['a server of no host', 3, evidence({ server: server({ host: null, triedHosts: ['h1'] }) }), 'elsewhere'],
    ['a server under way', 3, evidence({ server: server({ taskState: 'spawning', triedHosts: ['h1'] }) }), 'busy'],
    ['a server with a story of its own', 3, evidence({ server: server({ triedHosts: ['h1'] }), isBusy: true }), 'busy'],
    ['a server that came here between two looks', 3, evidence({ server: server({ host: 'h1' }) }), 'busy'],
  ]
  for (const [what, revision, known, verdict] of cases) assert.equal(verdictOf('h1', revision, known), verdict, what)
})
