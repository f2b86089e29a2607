import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { readPolicies } from './policies.ts'

function policies(t: TestContext, files: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-policies-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return (remarks: string[] = []) =>
    readPolicies('nova', [join(folder, 'nova.conf')], (remark) => void remarks.push(remark))
}

test('policy.yaml goes before policy.json; both are read where they are the only one', (t) => {
  assert.deepEqual(policies(t, {})(), {})
  assert.deepEqual(policies(t, { 'policy.json': '{"a": "role:x"}' })(), { a: 'role:x' })
  assert.deepEqual(policies(t, { 'policy.json': '{"a": "role:x"}', 'policy.yaml': '"a": "role:y"\n' })(), {
    a: 'role:y',
  })
})

test('[oslo_policy] names file and folders; files of folders replace rules by their order', (t) => {
  const read = policies(t, {
    'nova.conf': '[oslo_policy]\npolicy_file = mine.yaml\npolicy_dirs = first\npolicy_dirs = second\n',
    'mine.yaml': 'a: role:a\nb: role:b\nc: role:c\n',
    'first/1.yaml': 'b: role:first\nc: role:first\n',
    'second/2.json': '{"c": "role:second"}',
    'policy.yaml': 'a: "!"\n',
  })
  assert.deepEqual(read(), { a: 'role:a', b: 'role:first', c: 'role:second' })
  const remarks: string[] = []
  assert.deepEqual(policies(t, { 'nova.conf': '[oslo_policy]\npolicy_file = gone.yaml\n' })(remarks), {})
  assert.match(remarks[0]!, /policy_file = gone\.yaml: there is no such file/)
  const copied = { 'nova.conf': '[oslo_policy]\npolicy_file = /etc/nova/rules.yaml\n', 'rules.yaml': 'a: role:r\n' }
  assert.deepEqual(policies(t, copied)(), { a: 'role:r' })
  // What moved from JSON to YAML and still names the old file.
  const moved = { 'nova.conf': '[oslo_policy]\npolicy_file = policy.json\n', 'policy.yaml': 'a: role:y\n' }
  assert.deepEqual(policies(t, moved)(), { a: 'role:y' })
})

test('the oldest form, lists of lists, and what is no rule', (t) => {
  const read = policies(t, { 'policy.json': '{"a": [["role:x", "role:y"], ["role:z"]], "b": []}' })
  assert.deepEqual(read(), { a: '(role:x and role:y) or (role:z)', b: '@' })
  const broken = policies(t, {
    'policy.yaml': 'a: 5\nb: {}\n',
    'policy.d/x.yaml': '- a\n',
    'policy.d/y.yaml': 'a: [\n',
  })
  assert.throws(
    () => broken(),
    (error: Error) => {
      const lines = error.message.split('\n')
      assert.equal(lines.length, 4)
      assert.match(lines[2]!, /policy\.yaml: rule a must be a check string/)
      assert.match(lines[0]!, /x\.yaml: must map rule names/)
      return true
    },
  )
})
