/** Commands of swift-ring-builder that double the number of parts, step by step. */
import { basename } from 'node:path'
import { success, type Session } from './session.ts'

const takesEffect = 'The change will take effect after the next write_ring.'

function sayAndSave(session: Session, lines: readonly string[]): number {
  session.save()
  for (const line of lines) session.print(line)
  return success
}

export function prepareIncrease(session: Session): number {
  if (!basename(session.builderFile).includes('object'))
    session.refuse('Partition power increase is only supported for object rings.')
  if (!session.builder.prepareIncrease()) session.refuse('Ring is already prepared for partition power increase.')
  return sayAndSave(session, [
    `The next partition power is now ${session.builder.state.nextPartPower}.`,
    takesEffect,
    'Ensure your proxy-servers, object-replicators and ',
    'reconstructors are using the changed rings and relink ',
    '(using swift-object-relinker) your existing data',
    'before the partition power increase',
  ])
}

export function increase(session: Session): number {
  if (!session.builder.increase()) {
    session.print('Ring partition power cannot be increased. Either the ring')
    session.refuse('was not prepared yet, or this operation has already run.')
  }
  session.builder.updateLastMoves()
  return sayAndSave(session, [`The partition power is now ${session.builder.state.partPower}.`, takesEffect])
}

export function cancelIncrease(session: Session): number {
  if (!session.builder.cancelIncrease()) session.refuse('Ring partition power increase cannot be canceled.')
  return sayAndSave(session, [
    `The next partition power is now ${session.builder.state.nextPartPower}.`,
    takesEffect,
    'Ensure your object-servers are using the changed rings and',
    'cleanup (using swift-object-relinker) the hard links',
  ])
}

export function finishIncrease(session: Session): number {
  if (!session.builder.finishIncrease()) session.refuse('Ring partition power increase cannot be finished.')
  return sayAndSave(session, [takesEffect])
}
