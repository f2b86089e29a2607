/** How consumers are called that were made before there were types (1.38), or by clients that give none. */
export const unknownType = 'unknown'

/** Who is said to consume when a client before 1.8 does not tell, unless configured otherwise. */
export const missingId = '00000000-0000-0000-0000-000000000000'

/** Provider to class to amount. */
export type Resources = Readonly<Record<string, Readonly<Record<string, number>>>>

/** What a consumer is to have from now on; it loses everything else. */
export interface ConsumerRequest {
  readonly consumer: string
  readonly projectId: string
  readonly userId: string
  /** Absent where clients cannot say it: then an existing consumer keeps its type. */
  readonly type: string | undefined
  /** null: the consumer must be new; undefined: not checked (before 1.28). */
  readonly generation: number | null | undefined
  /** Empty takes everything back. */
  readonly resources: Resources
}
