/**
 * nftables: rulesets as values, rendered to text and loaded in one transaction, so that the kernel has the old rules or
 * the new ones and never something in between. Text that could end a rule or start another is refused: a ruleset that
 * cannot be rendered is an error for the caller (`UnsafeText`), never a weaker ruleset.
 */
import { canonicalCidr, canonicalMac, isIpv4, isIpv6 } from '../base/ip.ts'
import { CommandFailed, run } from './command.ts'
import type { InNetns } from './netns.ts'
import { UnsafeText, matching, wholeNumber } from './safe-text.ts'

export type NftFamily = 'ip' | 'ip6' | 'inet' | 'arp' | 'bridge' | 'netdev'
export type NftHook = {
  type: 'filter' | 'nat' | 'route'
  hook: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting' | 'ingress'
  priority: number
  device?: string
}
export type NftChain = {
  name: string
  /** Without a hook it is a chain that others jump to. */
  hook?: NftHook
  policy?: 'accept' | 'drop'
  /** Made with `rule` where a value comes from outside. */
  rules: readonly string[]
}
export type NftSet = {
  name: string
  /** `ipv4_addr`, `ether_addr . ipv4_addr`, ... */
  type: string
  flags?: readonly ('interval' | 'timeout' | 'dynamic' | 'constant')[]
  elements: readonly string[]
}
export type NftMap = Omit<NftSet, 'elements'> & {
  /** The type of the values; `verdict` for a map of jumps. */
  valueType: string
  elements: readonly (readonly [key: string, value: string])[]
}
export type NftTable = {
  family: NftFamily
  name: string
  sets?: readonly NftSet[]
  maps?: readonly NftMap[]
  chains: readonly NftChain[]
}
export type NftTableName = { family: NftFamily; name: string }
/** One object of nft's JSON: `{ rule: {...} }`, `{ chain: {...} }`, ... */
export type NftObject = Record<string, unknown>

const longestRuleset = 64 * 1024 * 1024
const families: readonly string[] = ['ip', 'ip6', 'inet', 'arp', 'bridge', 'netdev']

// ---- loading and reading

/** Loads a ruleset, all of it or nothing. */
export async function loadRuleset(text: string, { netns }: InNetns = {}): Promise<void> {
  await run(['nft', '-f', '-'], { netns, input: text })
}

/** Replaces whole tables in one transaction; other tables stay as they are. */
export async function replaceTables(tables: readonly NftTable[], { netns }: InNetns = {}): Promise<void> {
  if (tables.length > 0) await loadRuleset(tables.map(renderReplacement).join(''), { netns })
}

export async function listTables({ netns }: InNetns = {}): Promise<NftTableName[]> {
  const objects = await nftJson(['list', 'tables'], netns)
  return objects
    .flatMap(({ table }) => (table === undefined ? [] : [table as NftTableName]))
    .map(({ family, name }) => ({ family, name }))
}

/** Undefined when there is no such table. */
export async function showTable(
  { family, name }: NftTableName,
  { netns }: InNetns = {},
): Promise<NftObject[] | undefined> {
  try {
    return await nftJson(['list', 'table', nftFamily(family), nftName(name)], netns)
  } catch (error) {
    if (error instanceof CommandFailed && /No such file or directory/.test(error.stderr)) return undefined
    throw error
  }
}

/** A table without its counters, to compare with later; empty when there is none. */
export async function showTableText({ family, name }: NftTableName, { netns }: InNetns = {}): Promise<string> {
  const words = ['nft', '--stateless', 'list', 'table', nftFamily(family), nftName(name)]
  try {
    return (await run(words, { netns, maxOutputBytes: longestRuleset })).stdout
  } catch (error) {
    if (error instanceof CommandFailed && /No such file or directory/.test(error.stderr)) return ''
    throw error
  }
}

/** Tells every change, and who made it. */
export const nftMonitorCommand: readonly string[] = ['nft', 'monitor']

export async function listRuleset({ netns }: InNetns = {}): Promise<NftObject[]> {
  return await nftJson(['list', 'ruleset'], netns)
}

export async function deleteTable({ family, name }: NftTableName, { netns }: InNetns = {}): Promise<void> {
  const table = `table ${nftFamily(family)} ${nftName(name)}`
  await loadRuleset(`${table}\ndelete ${table}\n`, { netns }) // naming it makes it, so that deleting cannot fail
}

async function nftJson(words: string[], netns: string | undefined): Promise<NftObject[]> {
  const { stdout } = await run(['nft', '-j', ...words], { netns, maxOutputBytes: longestRuleset })
  const { nftables } = JSON.parse(stdout) as { nftables: NftObject[] }
  return nftables.filter(({ metainfo }) => metainfo === undefined)
}

// ---- rendering

export function renderTable(table: NftTable): string {
  const { family, name, sets = [], maps = [], chains } = table
  const body = [
    ...sets.map(renderSet),
    ...maps.map(renderMap),
    // Empty chains first: rules and verdict maps may then jump to any of them, whatever the order.
    ...chains.map(({ name: chain, ...rest }) => renderChain({ name: chain, ...rest, rules: [] })),
    ...chains
      .filter(({ rules }) => rules.length > 0)
      .map(({ name: chain, rules }) => renderChain({ name: chain, rules })),
  ]
  return `table ${nftFamily(family)} ${nftName(name)} {\n${body.join('')}}\n`
}

/** The table as it is here, whatever was there before. */
export function renderReplacement(table: NftTable): string {
  const name = `table ${nftFamily(table.family)} ${nftName(table.name)}`
  return `${name}\ndelete ${name}\n${renderTable(table)}`
}

/** New content for a set or map of a table that is loaded. */
export function renderElements({ family, name }: NftTableName, set: NftSet | NftMap): string {
  const kind = 'valueType' in set ? 'map' : 'set'
  const path = `${nftFamily(family)} ${nftName(name)} ${nftName(set.name)}`
  const elements = 'valueType' in set ? mapElements(set) : set.elements.map(safeExpression)
  const add = elements.length > 0 ? `add element ${path} { ${elements.join(', ')} }\n` : ''
  return `flush ${kind} ${path}\n${add}`
}

function renderSet({ name, type, flags = [], elements }: NftSet): string {
  return renderBlock('set', name, [`type ${safeType(type)}`, ...flagsLine(flags)], elements.map(safeExpression))
}

function renderMap(map: NftMap): string {
  const type = `type ${safeType(map.type)} : ${safeType(map.valueType)}`
  return renderBlock('map', map.name, [type, ...flagsLine(map.flags ?? [])], mapElements(map))
}

function mapElements({ elements }: NftMap): string[] {
  return elements.map(([key, value]) => `${safeExpression(key)} : ${safeExpression(value)}`)
}

function flagsLine(flags: readonly string[]): string[] {
  return flags.length > 0 ? [`flags ${flags.join(', ')}`] : []
}

function renderBlock(kind: string, name: string, lines: string[], elements: string[]): string {
  const all = elements.length > 0 ? [...lines, `elements = { ${elements.join(', ')} }`] : lines
  return `  ${kind} ${nftName(name)} {\n${all.map((line) => `    ${line}\n`).join('')}  }\n`
}

function renderChain({ name, hook, policy, rules }: NftChain): string {
  const lines: string[] = []
  if (hook) {
    const device = hook.device === undefined ? '' : ` device ${nftInterface(hook.device)}`
    const priority = wholeNumber('priority', hook.priority, -1000, 1000)
    lines.push(`type ${hook.type} hook ${hook.hook}${device} priority ${priority}; policy ${policy ?? 'accept'};`)
  }
  lines.push(...rules.map(safeRule))
  return `  chain ${nftName(name)} {\n${lines.map((line) => `    ${line}\n`).join('')}  }\n`
}

// ---- values

/**
 * A rule with values in it: rule`iifname ${nftInterface(tap)} tcp dport ${ports} accept`. Numbers, words and addresses
 * are checked; a list becomes an anonymous set, and an empty list is refused, because a match on nothing would
 * otherwise have to become a match on everything.
 */
export function rule(parts: TemplateStringsArray, ...values: readonly RuleValue[]): string {
  return safeRule(parts.reduce((text, part, index) => text + renderValue(values[index - 1]) + part))
}

export type RuleValue = string | number | readonly (string | number)[]

function renderValue(value: RuleValue | undefined): string {
  if (typeof value === 'number') return String(wholeNumber('number in a rule', value, 0))
  if (typeof value === 'string') return safeWord(value)
  if (value === undefined || value.length === 0) throw new UnsafeText('value in a rule', 'an empty list')
  return `{ ${value.map(renderValue).join(', ')} }`
}

/** Table, chain, set and map names. */
export function nftName(text: string): string {
  return matching('nft name', /^[A-Za-z][A-Za-z0-9_.-]{0,120}$/, text)
}

/** A quoted interface name; a star at its end stands for any rest. */
export function nftInterface(text: string): string {
  return `"${matching('interface name', /^[A-Za-z0-9_.-]{1,15}$|^[A-Za-z0-9_.-]{1,14}\*$/, text)}"`
}

export function nftMac(text: string): string {
  return canonicalMac(text)
}

/** An address, or a network with its host bits cleared or not. */
export function nftNetwork(text: string): string {
  return isIpv4(text) || isIpv6(text) ? text : canonicalCidr(text)
}

/** A port or a range of ports. */
export function nftPorts(first: number, last = first): string {
  wholeNumber('port', first, 0, 65_535)
  wholeNumber('port', last, first, 65_535)
  return first === last ? String(first) : `${first}-${last}`
}

function nftFamily(family: string): string {
  if (!families.includes(family)) throw new UnsafeText('nft family', family)
  return family
}

function safeWord(text: string): string {
  return matching('value in a rule', /^[A-Za-z0-9_.:/@-]+$|^"[A-Za-z0-9_.-]{1,15}\*?"$/, text)
}

function safeType(text: string): string {
  return matching('nft type', /^[a-z0-9_]+( \. [a-z0-9_]+)*$/, text)
}

/** An element: words and concatenations, but nothing that ends the element. */
function safeExpression(text: string): string {
  return matching('nft element', /^[A-Za-z0-9_.:/@" *-]+$/, balanced(text))
}

/** One rule and no more than one: no line break, no `;`, no comment, braces and quotes in pairs. */
function safeRule(text: string): string {
  return matching('nft rule', /^[A-Za-z0-9_.:/@"*{}(),!=<>|&^+ -]+$/, balanced(text))
}

function balanced(text: string): string {
  let depth = 0
  let isQuoted = false
  for (const character of text) {
    if (character === '"') isQuoted = !isQuoted
    if (isQuoted) continue
    if (character === '{') depth++
    if (character === '}' && --depth < 0) break
  }
  if (depth !== 0 || isQuoted) throw new UnsafeText('nft text', text)
  return text
}
