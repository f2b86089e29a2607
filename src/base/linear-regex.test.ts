import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LinearRegex } from './linear-regex.ts'

test('it finds what JavaScript finds, in either case', () => {
  const sources = [
    'a',
    'a.*b',
    '^a',
    'b$',
    '^$',
    's.*1',
    'sw.',
    '(sw1|xx)',
    '[an]+',
    '[^a-c]',
    'a{2}',
    'a{2,}b',
    '^(ab?){1,3}$',
    '(a*)*b',
    '(a|a)*$',
    '\\d+-\\w',
    '\\bsw\\b',
    'x?y',
    '10\\.0\\.0\\.5',
    '[\\d.]+$',
    '[]a]',
    '[a-]',
    'a|',
    '(?:ab)+',
    'a{x',
    '[a\\-z]',
  ]
  const texts = [
    '',
    'a',
    'ab',
    'aab',
    'sw1',
    'SW1',
    'my sw here',
    'server-1',
    '10.0.0.5',
    '10x0x0x5',
    'xx',
    '-',
    'z',
    'a{x',
    'ababab',
    'y',
    '}',
    ']',
  ]
  for (const source of sources) {
    const mine = new LinearRegex(source)
    const theirs = new RegExp(source === '[]a]' ? '[\\]a]' : source, 'i')
    for (const text of texts) assert.equal(mine.test(text), theirs.test(text), `/${source}/ on ${JSON.stringify(text)}`)
  }
})

test('what is broken, or needs more than an automaton, is refused', () => {
  for (const source of [
    '[',
    '(',
    ')',
    '*a',
    'a**',
    'a{3,2}',
    '(a)\\1',
    '(?=a)',
    '(?<=a)b',
    '[z-a]',
    '\\',
    '\\q',
    'a{9999}',
    '('.repeat(60),
  ])
    assert.throws(() => new LinearRegex(source), SyntaxError, source)
  assert.throws(() => new LinearRegex('(a{100}){100}'), /too large/)
})

test('P6: expressions that stall backtracking engines take as many steps as any', () => {
  const text = `${'a'.repeat(20_000)}!`
  for (const source of ['(a+)+$', '(a*)*b', '(a|aa)+$', '(.*a){12}b'])
    assert.equal(new LinearRegex(source).test(text), false)
})
