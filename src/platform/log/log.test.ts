import assert from 'node:assert/strict'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mock, test, type TestContext } from 'node:test'
import { ConfigError } from '../config/config.ts'
import { createLogger } from './log.ts'
import { LogFile } from './log-file.ts'
import { readRotation, type Rotation } from './rotation.ts'
import { sourceOf, Throttle } from './throttle.ts'

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-log-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
const never = () => Infinity
const lines = (file: string) => readFileSync(file, 'utf8').trimEnd().split('\n')
const configured = (t: TestContext, text: string): Rotation => {
  const file = join(folderFor(t), 'a.conf')
  writeFileSync(file, `[DEFAULT]\n${text}`)
  return readRotation('nova', [file])
}

test('a log begins anew at its size and keeps so many full ones, each line whole', (t) => {
  const folder = folderFor(t)
  const file = new LogFile(join(folder, 'x.log'), { maxBytes: 100, endOf: never, keep: 2 })
  for (let n = 10; n < 60; n++) file.write(`line ${n}\n`)
  assert.deepEqual(readdirSync(folder).sort(), ['x.log', 'x.log.1', 'x.log.2'])
  const kept = ['x.log.2', 'x.log.1', 'x.log'].flatMap((name) => lines(join(folder, name)))
  assert.deepEqual(
    kept,
    Array.from({ length: kept.length }, (_, n) => `line ${60 - kept.length + n}`),
  )
  for (const name of readdirSync(folder)) assert.ok(statSync(join(folder, name)).size <= 100)
  assert.equal(statSync(join(folder, 'x.log')).mode & 0o777, 0o600)
})

test('a log begins anew at its age, counted from when the file was begun', (t) => {
  mock.timers.enable({ apis: ['Date'], now: Date.now() })
  t.after(() => mock.timers.reset())
  const folder = folderFor(t)
  const rotation = { maxBytes: Infinity, endOf: (begun: number) => begun + 3_600_000, keep: 3 }
  new LogFile(join(folder, 'x.log'), rotation).write('first\n')
  mock.timers.tick(3_000_000)
  const file = new LogFile(join(folder, 'x.log'), rotation)
  file.write('second\n')
  mock.timers.tick(601_000)
  file.write('third\n')
  assert.deepEqual(lines(join(folder, 'x.log.1')), ['first', 'second'])
  assert.deepEqual(lines(join(folder, 'x.log')), ['third'])
})

test('a log that was moved, removed or cut is followed within a second; reopen does it at once', (t) => {
  let now = 0
  t.mock.method(performance, 'now', () => now)
  const name = join(folderFor(t), 'x.log')
  const file = new LogFile(name, { maxBytes: 40, endOf: never, keep: 1 })
  file.write('one\n')
  renameSync(name, `${name}.old`)
  now += 1001
  file.write('two\n')
  rmSync(name)
  file.reopen()
  file.write('three\n')
  assert.deepEqual([lines(`${name}.old`), lines(name)], [['one'], ['three']])
  file.write(`${'x'.repeat(30)}\n`)
  truncateSync(name)
  now += 1001
  file.write('four, and this is not too much\n')
  assert.deepEqual(lines(name), ['four, and this is not too much'])
})

test('what cannot be written costs nobody anything, waits, and what found no room is counted', (t) => {
  const name = join(folderFor(t), 'x.log')
  mkdirSync(name)
  const log = createLogger({ name: 'x', file: name })
  for (let n = 0; n < 3000; n++) log.info({ n, text: 'y'.repeat(1000) }, 'm')
  rmSync(name, { recursive: true })
  log.info({ n: 'last' }, 'm')
  const told = lines(name).map((line) => JSON.parse(line) as { n?: number | string; lost?: number })
  const lost = told.find((line) => line.lost !== undefined)?.lost ?? 0
  assert.deepEqual(
    told.slice(0, 3).map(({ n }) => n),
    [0, 1, 2],
  )
  assert.ok(lost > 1000 && told.length - 1 + lost === 3001, `${told.length} lines, ${lost} lost`)
})

test('the options are those of oslo.log', (t) => {
  assert.equal(configured(t, '').maxBytes, 64 * 1024 * 1024)
  assert.deepEqual(
    [configured(t, 'max_logfile_size_mb = 200\nmax_logfile_count = 30'), configured(t, 'log_rotation_type = none')].map(
      ({ maxBytes, keep }) => [maxBytes, keep],
    ),
    [
      [200 * 1024 * 1024, 30],
      [Infinity, 8],
    ],
  )
  // A Thursday afternoon.
  const begun = new Date(2026, 10, 26, 15, 30)
  const end = (text: string) => {
    const { endOf } = configured(t, `log_rotation_type = interval\n${text}`)
    return endOf(begun.getTime())
  }
  assert.equal(end(''), begun.getTime() + 86_400_000)
  assert.equal(end('log_rotate_interval_type = Hours\nlog_rotate_interval = 6'), begun.getTime() + 6 * 3_600_000)
  assert.equal(end('log_rotate_interval_type = midnight'), new Date(2026, 10, 27).getTime())
  for (const [weekday, day] of [
    [3, 27],
    [4, 28],
    [6, 30],
    [0, 31],
    [2, 33],
  ])
    assert.equal(
      end(`log_rotate_interval_type = weekday\nlog_rotate_interval = ${weekday}`),
      new Date(2026, 10, day!).getTime(),
    )
  assert.throws(() => end('log_rotate_interval_type = weekday\nlog_rotate_interval = 7'), ConfigError)
  assert.throws(() => configured(t, 'log_rotation_type = sometimes'), /must be one of size, interval, none/)
})

test('of each source the first lines are written, and then how many more there were', () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    const told: [string, number][] = []
    const throttle = new Throttle({
      most: 3,
      windowMs: 1000,
      summary: (source, more) => void told.push([source, more]),
    })
    const admitted = (source: string, times: number) =>
      Array.from({ length: times }, () => throttle.admits(source)).filter(Boolean).length
    assert.deepEqual([admitted('a', 10), admitted('b', 2), admitted('c', 4)], [3, 2, 3])
    mock.timers.tick(1000)
    assert.deepEqual(told, [
      ['a', 7],
      ['c', 1],
    ])
    assert.equal(admitted('a', 1), 1)
    // More sources than are kept apart share one count.
    assert.equal(Array.from({ length: 3000 }, (_, n) => throttle.admits(`s${n}`)).filter(Boolean).length, 999 + 3)
  } finally {
    mock.timers.reset()
  }
})

test('a source is an IPv4 address, or a network of IPv6', () => {
  assert.equal(sourceOf('10.0.0.7'), '10.0.0.7')
  assert.equal(sourceOf('::ffff:10.0.0.7'), '10.0.0.7')
  assert.equal(sourceOf('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64')
  assert.equal(sourceOf('2001:db8:1:2:ffff::6'), sourceOf('2001:db8:1:2::1'))
  assert.equal(sourceOf('2001:db8::1'), '2001:db8:0:0::/64')
  assert.equal(sourceOf('::1'), '0:0:0:0::/64')
  assert.equal(sourceOf(undefined), 'inside')
})
