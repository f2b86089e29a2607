/** Protected properties: who may create, read, update and delete which custom property of an image. */
import { readFileSync } from 'node:fs'
import type { Context } from '../../../platform/auth/context.ts'
import { rule } from '../../../platform/auth/policy.ts'
import { parseIni } from '../../../platform/config/ini.ts'

export type PropertyAction = 'create' | 'read' | 'update' | 'delete'

export interface PropertyRules {
  allows(ctx: Context, property: string, action: PropertyAction): boolean
}

/** Everybody may do everything with every property. */
export const openProperties: PropertyRules = { allows: () => true }

/** A property protection file that cannot be used; the message says why. */
export class PropertyRulesError extends Error {}

interface Section {
  pattern: RegExp
  permissions: Record<PropertyAction, readonly string[]>
}

/**
 * Reads a property protection file: a section for every pattern, the first that matches decides, none refuses. In format
 * `policies` a permission names a rule of the policy file, in `roles` it lists roles, `@` (all) or `!` (none).
 */
export function readPropertyRules(file: string, format: string, knownPolicies: ReadonlySet<string>): PropertyRules {
  const sections = parse(file, format, knownPolicies)
  return {
    allows(ctx, property, action) {
      // Internal to glance: its own code writes these, the API refuses them.
      if (property.startsWith('os_glance')) return true
      const permissions = sections.find(({ pattern }) => pattern.test(property))?.permissions[action] ?? []
      if (permissions.includes('@')) return true
      if (permissions.includes('!')) return false
      if (format === 'policies') return permissions.every((name) => ctx.can(rule(name, ''))) && permissions.length > 0
      const roles = new Set([...ctx.roles, ...ctx.serviceRoles].map((role) => role.toLowerCase()))
      return permissions.some((role) => roles.has(role.toLowerCase()))
    },
  }
}

function parse(file: string, format: string, knownPolicies: ReadonlySet<string>): Section[] {
  const fail = (why: string): never => {
    throw new PropertyRulesError(`property protection file ${file}: ${why}`)
  }
  const bySection = Map.groupBy(parseIni(readFileSync(file, 'utf8'), file), (entry) => entry.section)
  return [...bySection].map(([name, entries]) => {
    const listOf = (action: PropertyAction): readonly string[] => {
      const text = entries.find((entry) => entry.name === action)?.values.at(-1)
      if (text === undefined) return fail(`[${name}] has no ${action}`)
      const list = text
        .split(',')
        .map((each) => each.trim())
        .filter((each) => each !== '')
      if (list.includes('@') && list.includes('!')) fail(`[${name}] ${action}: '@' and '!' exclude each other`)
      if (format === 'policies') {
        if (list.length > 1) fail(`[${name}] ${action}: only one policy may be named`)
        const unknown = list.find((each) => !['@', '!'].includes(each) && !knownPolicies.has(each))
        if (unknown !== undefined) fail(`[${name}] ${action}: there is no policy '${unknown}'`)
      }
      return list
    }
    const permissions = {
      create: listOf('create'),
      read: listOf('read'),
      update: listOf('update'),
      delete: listOf('delete'),
    }
    try {
      return { pattern: new RegExp(`^(?:${name})`), permissions }
    } catch {
      return fail(`[${name}] is no regular expression`)
    }
  })
}
