/** swift-ring-builder: upstream's commands on upstream's files. */
import { createInterface } from 'node:readline/promises'
import type { CommandTable } from '../../../../platform/manage/command.ts'
import { RingError } from '../../model/ring/errors.ts'
import * as balance from './balance.ts'
import * as change from './change.ts'
import * as increase from './increase.ts'
import { Exit, failure, filesOf, Session, success, type Output } from './session.ts'
import { show } from './show.ts'
import { WordError } from './words.ts'

interface RingCommand {
  /** How many words it needs. */
  readonly least: number
  readonly usage: string
  run(session: Session, argv: readonly string[]): number | Promise<number>
}

const found = '<search-value> | --region R --zone Z --ip IP --port P --device NAME --meta META …'

const commands: Readonly<Record<string, RingCommand>> = {
  add: {
    least: 2,
    usage: '[r<region>]z<zone>-<ip>:<port>[R<r_ip>:<r_port>]/<device_name>_<meta> <weight> … | options',
    run: change.add,
  },
  cancel_increase_partition_power: { least: 0, usage: '', run: increase.cancelIncrease },
  create: { least: 3, usage: '<part_power> <replicas> <min_part_hours>', run: balance.create },
  dispersion: { least: 0, usage: '[<filter>] [--recalculate] [--verbose]', run: balance.dispersion },
  finish_increase_partition_power: { least: 0, usage: '', run: increase.finishIncrease },
  increase_partition_power: { least: 0, usage: '', run: increase.increase },
  list_parts: { least: 1, usage: found, run: balance.listParts },
  prepare_increase_partition_power: { least: 0, usage: '', run: increase.prepareIncrease },
  pretend_min_part_hours_passed: { least: 0, usage: '', run: balance.pretendHoursPassed },
  rebalance: { least: 0, usage: '[--force] [--seed SEED]', run: balance.rebalance },
  remove: { least: 1, usage: `${found} [--yes]`, run: change.remove },
  search: { least: 1, usage: found, run: balance.searchDevices },
  set_info: {
    least: 2,
    usage: '<search-value> <ip>:<port>[R<r_ip>:<r_port>]/<device_name>_<meta> … | options [--yes]',
    run: change.setInfo,
  },
  set_min_part_hours: { least: 1, usage: '<hours>', run: change.setMinPartHours },
  set_overload: { least: 1, usage: '<overload>[%]', run: change.setOverload },
  set_region: { least: 2, usage: '<search-value> <region> … | options <region> [--yes]', run: change.set('region') },
  set_replicas: { least: 1, usage: '<replicas>', run: change.setReplicas },
  set_weight: { least: 2, usage: '<search-value> <weight> … | options <weight> [--yes]', run: change.set('weight') },
  set_zone: { least: 2, usage: '<search-value> <zone> … | options <zone> [--yes]', run: change.set('zone') },
  validate: { least: 0, usage: '', run: balance.validate },
  write_builder: { least: 0, usage: '[<min_part_hours>]', run: balance.writeBuilderFile },
  write_ring: { least: 0, usage: '', run: balance.writeRingFile },
}

/** Runs a command line; returns the exit status: 0 done, 1 with warnings, 2 not done. */
export async function ringBuilder(argv: readonly string[], output: Output): Promise<number> {
  const [given, name, ...words] = argv
  if (given === undefined || given === '--help' || given === '-h') {
    output.print('swift-ring-builder <builder_file>')
    for (const [command, { usage }] of Object.entries(commands))
      output.print(`swift-ring-builder <builder_file> ${command} ${usage}`.trim())
    output.print('Exit codes: 0 = operation successful, 1 = operation completed with warnings, 2 = error')
    return success
  }
  const files = filesOf(given)
  if (files.builderFile !== given) output.print(`Note: using ${files.builderFile} instead of ${given} as builder file`)
  const session = new Session(files, output)
  try {
    if (name === undefined) return show(session)
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined
    if (!command) return session.refuse(`Unknown command: ${name}`)
    if (words.length < command.least)
      return session.refuse(`swift-ring-builder <builder_file> ${name} ${command.usage}`)
    return await command.run(session, words)
  } catch (error) {
    if (error instanceof Exit) return error.status
    if (!(error instanceof WordError) && !(error instanceof RingError)) throw error
    output.print(error.message)
    return failure
  }
}

async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stdout })
  try {
    return await lines.question(question)
  } finally {
    lines.close()
  }
}

/** As one of the administrative programs; it reads its command line itself. */
export const swiftRingBuilder: CommandTable = {
  run: {
    summary: 'Makes and changes the rings of object storage.',
    positionals: '[<builder_file> [<command> …]]',
    isFree: true,
    run: ({ positionals }, { print, warn }) => ringBuilder(positionals, { print, warn, ask }),
  },
}
