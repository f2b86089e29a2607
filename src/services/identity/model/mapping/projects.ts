import { fillAll, type DirectMaps } from './substitute.ts'
import { MappingError, type LocalRule, type ProjectRule, type SchemaVersion } from './types.ts'

/**
 * The projects of a local rule. Since version 3.0 they may also come as JSON in one attribute of the assertion
 * (`"projects_json": "{2}"`); an assertion is no trusted text, so its shape is checked here.
 */
export function readProjects(
  version: SchemaVersion,
  { projects, json }: { projects: LocalRule['projects']; json: LocalRule['projects_json'] },
  direct: DirectMaps,
): readonly ProjectRule[] | undefined {
  const fixed =
    projects === undefined
      ? undefined
      : typeof projects === 'string'
        ? readJson(version, projects, direct)
        : fillAll(projects, direct)
  const asserted = json === undefined ? undefined : readJson(version, json, direct)
  return fixed || asserted ? [...(fixed ?? []), ...(asserted ?? [])] : undefined
}

function readJson(version: SchemaVersion, reference: string, direct: DirectMaps): readonly ProjectRule[] {
  const match = /^\{?(\d{1,3})\}?$/.exec(reference.trim())
  if (version !== '3.0' || !match) throw new MappingError(`'${reference}' does not name a value with projects`)
  const values = direct[Number(match[1])]
  if (!values) throw new MappingError(`'${reference}' names a value that no condition has`)
  let parsed: unknown
  try {
    // The semicolon that separates values may be part of the JSON.
    parsed = JSON.parse(values.join(';'))
  } catch {
    throw new MappingError('the projects in the assertion are no JSON')
  }
  if (!Array.isArray(parsed) || !parsed.every(isProject))
    throw new MappingError('the projects in the assertion are malformed')
  return parsed
}

function isProject(value: unknown): value is ProjectRule {
  if (!isRecord(value) || typeof value['name'] !== 'string' || !Array.isArray(value['roles'])) return false
  const domain = value['domain']
  const isDomain =
    domain === undefined ||
    (isRecord(domain) &&
      Object.entries(domain).every(([key, each]) => (key === 'id' || key === 'name') && typeof each === 'string'))
  const areRoles = value['roles'].every(
    (role: unknown) => isRecord(role) && typeof role['name'] === 'string' && Object.keys(role).length === 1,
  )
  return isDomain && areRoles && Object.keys(value).every((key) => ['name', 'roles', 'domain'].includes(key))
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
