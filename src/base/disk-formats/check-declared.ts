import type { DiskReport, DiskVerdict } from './inspector.ts'
import type { DiskFormat, DiskProblem, DiskProblemCode } from './probe.ts'

/** What an image may declare as its `disk_format`. */
export const DECLARABLE_FORMATS = [
  'raw',
  'qcow2',
  'vmdk',
  'vdi',
  'vhd',
  'vhdx',
  'iso',
  'gpt',
  'luks',
  'ploop',
  'ami',
  'ari',
  'aki',
] as const
export type DeclaredFormat = (typeof DECLARABLE_FORMATS)[number]

export type DeclaredCheck = { ok: true } | { ok: false; reason: string }

export interface DeclaredCheckOptions {
  /** Problems to let pass, as glance's `gpt_safety_checks_nonfatal` does for `bad-mbr`. */
  ignore?: readonly DiskProblemCode[]
  /**
   * Let `raw` hold any one format without problems, as glance does on upload. Nova then refuses to boot all but a
   * disk with a partition table: never set this where the image is about to be used.
   */
  lenientRaw?: boolean
}

/** Amazon's pieces have no format of their own: a kernel begins with a boot sector, a machine image may be a disk. */
const AMAZON: readonly string[] = ['ami', 'ari', 'aki']

/** Whether the image is what it was said to be, and safe to hand to tools. */
export function checkDeclared(report: DiskReport, declared: string, options: DeclaredCheckOptions = {}): DeclaredCheck {
  if (!isDeclarable(declared)) return refuse(`Image disk_format ${declared} is not supported`)
  const ignored = [...(options.ignore ?? []), ...(AMAZON.includes(declared) ? (['bad-mbr'] as const) : [])]
  const problem = report.problems.find((each) => !ignored.includes(each.code))
  if (report.format === null) return refuse(problem?.message ?? mismatch(declared, report.formats))
  const lenient = declared === 'raw' && options.lenientRaw === true
  if (!lenient && !lawful(declared).includes(report.format)) return refuse(mismatch(declared, report.formats))
  return problem === undefined ? { ok: true } : refuse(problem.message)
}

/** Refuses as soon as no further byte could make the image acceptable, so that an upload can stop early. */
export function checkSoFar(verdict: DiskVerdict, declared: string): DeclaredCheck {
  if (!isDeclarable(declared)) return refuse(`Image disk_format ${declared} is not supported`)
  const allowed = lawful(declared)
  // A partition table decides nothing yet: ISO and fixed VHD images may begin with one.
  const wrong = verdict.formats.filter((format) => !allowed.includes(format) && format !== 'gpt')
  if (wrong.length > 0) return refuse(mismatch(declared, wrong))
  const own = verdict.formats.find((format) => allowed.includes(format) && format !== 'gpt')
  const [problem]: readonly DiskProblem[] = own === undefined ? [] : (verdict.problems[own] ?? [])
  if (problem !== undefined) return refuse(problem.message)
  const hope = [...verdict.formats, ...verdict.possible].some((format) => allowed.includes(format))
  return hope ? { ok: true } : refuse(mismatch(declared, verdict.formats.length > 0 ? verdict.formats : ['raw']))
}

function isDeclarable(declared: string): declared is DeclaredFormat {
  return (DECLARABLE_FORMATS as readonly string[]).includes(declared)
}

/** What may be found in an image of the declared format. */
function lawful(declared: DeclaredFormat): readonly DiskFormat[] {
  if (declared === 'raw' || declared === 'ami' || declared === 'ari' || declared === 'aki') return ['raw', 'gpt']
  return [declared]
}

function mismatch(declared: string, found: readonly DiskFormat[]): string {
  return `Image content does not match disk_format: declared ${declared}, found ${found.join(', ')}`
}

function refuse(reason: string): DeclaredCheck {
  return { ok: false, reason }
}
