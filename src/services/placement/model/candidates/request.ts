import type { Conditions } from '../provider.ts'

/** One group of a request: what it wants and of whom. */
export interface Group extends Conditions {
  /** Empty for the unsuffixed group, whose resources may come from several providers of a tree; others need one provider. */
  readonly suffix: string
  readonly resources: Readonly<Record<string, number>>
  /** A provider whose tree must satisfy the group. */
  readonly inTree: string | undefined
}

/** `GET /allocation_candidates`, understood. */
export interface CandidateRequest {
  readonly groups: readonly Group[]
  readonly groupPolicy: 'none' | 'isolate' | undefined
  readonly rootRequired: readonly string[]
  readonly rootForbidden: readonly string[]
  /** Groups whose providers must all be below one of them. */
  readonly sameSubtrees: readonly ReadonlySet<string>[]
}

/** How many candidates to look for and in which order. */
export interface SearchOptions {
  readonly limit: number | undefined
  /** Candidates looked at in all, before any filter of old clients; undefined for no bound. */
  readonly maximum: number | undefined
  readonly isRandom: boolean
  /** One candidate from each tree before the second of any. */
  readonly isBreadthFirst: boolean
  /** False for clients before 1.29, which take at most one provider of a tree. */
  readonly isNestedAware: boolean
}
