import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allows } from './access-rules.ts'
import { compilePattern } from './path-pattern.ts'

const may = (rule: string, path: string) =>
  allows([{ service: 'compute', method: 'GET', path: rule }], 'compute', 'GET', path)

test('paths of access rules: exact, one part, any parts, named parts', () => {
  assert.ok(may('/v2.1/servers', '/v2.1/servers'))
  assert.ok(!may('/v2.1/servers', '/v2.1/servers/x'))
  assert.ok(may('/v2.1/servers/*', '/v2.1/servers/x'))
  assert.ok(!may('/v2.1/servers/*', '/v2.1/servers/'))
  assert.ok(!may('/v2.1/servers/*', '/v2.1/servers/x/ips'))
  assert.ok(may('/v2.1/**', '/v2.1/servers/x/ips'))
  assert.ok(may('/v2.1/servers/{server_id}/ips', '/v2.1/servers/x/ips'))
  assert.ok(!may('/v2.1/servers.', '/v2.1/serversx'), 'other characters stand for themselves')
})

test('service and method count, and no rule allows nothing', () => {
  const rules = [{ service: 'compute', method: 'GET', path: '/**' }]
  assert.ok(!allows(rules, 'image', 'GET', '/v2/images'))
  assert.ok(!allows(rules, 'compute', 'POST', '/v2.1/servers'))
  assert.ok(!allows([], 'compute', 'GET', '/v2.1/servers'))
})

/** What keystonemiddleware makes of a pattern; right, and slow where somebody wants it to be. */
const asExpression = (pattern: string) =>
  new RegExp(
    `^${pattern
      .split(/(\*\*|\*|\{[^}]+\})/)
      .map((word) =>
        word === '**'
          ? '[^]*'
          : word === '*' || /^\{.*\}$/.test(word)
            ? '[^/]+'
            : word.replaceAll(/[.?+^$()[\]|\\{}]/g, '\\$&'),
      )
      .join('')}$`,
  )

test('patterns of a few characters match what the regular expressions of keystonemiddleware match', () => {
  const words = ['a', 'b', '/', '*', '**', '{x}', '.', '{', '}', 'é']
  const paths = [
    '',
    '/',
    'a',
    'b',
    'aa',
    'ab',
    '/a',
    'a/',
    'a/b',
    '//',
    'a/a/b',
    '.',
    '{}',
    'éa',
    'aab/bb',
    'b/ab/aa/a',
  ]
  let seed = 1
  const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below
  for (let count = 0; count < 3000; count++) {
    const text = Array.from({ length: 1 + random(6) }, () => words[random(words.length)]).join('')
    for (const path of paths)
      assert.equal(compilePattern(text).matches(path), asExpression(text).test(path), `${text} and ${path}`)
  }
})

test('patterns of every length, also at the borders of words, match themselves and no neighbour', () => {
  for (let length = 1; length < 140; length++) {
    const text = 'x'.repeat(length)
    for (const pattern of [text, `${text}*`, `**${text}`, `{p}${text}**`]) {
      for (const path of [text, `${text}y`, `y${text}`, `y${text}/y`, `${text}/y`, text.slice(1)])
        assert.equal(compilePattern(pattern).matches(path), asExpression(pattern).test(path), `${pattern} and ${path}`)
    }
  }
})

test(
  'P6: patterns that would keep a search busy for ever are answered at once, all of a credential',
  { timeout: 20_000 },
  () => {
    const path = `/v2.1${'/ax'.repeat(1300)}/y`
    for (const word of ['/**x', '**', '*', '/**/*', '{a}{b}', '**x**', '/*x', '/**a**a'])
      for (const end of ['', 'z']) {
        const text = `/v2.1${word.repeat(225 / word.length - 2)}`
        const rules = Array.from({ length: 100 }, (_, index) => ({
          service: 'compute',
          method: 'GET',
          path: `${text.slice(0, text.length - (index % 9))}${end}`,
        }))
        allows(rules, 'compute', 'GET', path)
      }
    const rule = { service: 'compute', method: 'GET', path: '/v2.1/**x/**y' }
    assert.equal(allows([rule], 'compute', 'GET', path), true)
    assert.equal(allows([rule], 'compute', 'GET', path.slice(0, -1)), false)
  },
)
