import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runMappingEngine } from './mapping-rules.ts'

const rules = JSON.stringify([
  {
    local: [{ user: { name: '{0}' } }, { groups: '{1}', domain: { name: 'Default' } }],
    remote: [{ type: 'LOGIN' }, { type: 'GROUPS' }],
  },
])

test('mapping_engine shows what rules make of an assertion', () => {
  const assertion = 'LOGIN: me\n\nGROUPS: a;b\nURL: https://x:1\n'
  assert.deepEqual(runMappingEngine({ rules, assertion }), {
    user: { name: 'me', type: 'ephemeral' },
    group_ids: [],
    group_names: [
      { name: 'a', domain: { name: 'Default' } },
      { name: 'b', domain: { name: 'Default' } },
    ],
    projects: [],
    schema_version: '1.0',
  })
})

test('mapping_engine says what is wrong', () => {
  const run = (files: Partial<{ rules: string; assertion: string }>, options = {}) =>
    runMappingEngine({ rules, assertion: 'LOGIN: me\nGROUPS: a', ...files }, options)
  assert.throws(() => run({ rules: '{' }), /Error while parsing rules/)
  assert.throws(() => run({ rules: '{"rules": []}' }), /rules/)
  assert.throws(() => run({ assertion: 'LOGIN: me\nnonsense' }), /line 2 expected 'key: value'/)
  assert.throws(() => run({ assertion: 'LOGIN: me' }), /Could not map/)
  assert.throws(() => run({}, { prefix: 'ASDF_' }), /Could not map/)
  assert.throws(() => run({}, { schemaVersion: '9' }), /no mapping schema version '9'/)
})
