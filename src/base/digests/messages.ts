/** What a digest worker is told and what it answers. Buffers are shared, not copied. */
export type DigestRequest = { stream: number } & (
  | { kind: 'open'; algorithm: string; isSignature: boolean }
  | { kind: 'update'; buffer: SharedArrayBuffer; length: number }
  | { kind: 'end' }
  | { kind: 'verify'; key: string; padding?: number; saltLength?: number; signature: Uint8Array }
  | { kind: 'close' }
)

export type DigestReply = { stream: number } & (
  { kind: 'updated' } | { kind: 'digest'; digest: string } | { kind: 'failed'; message: string }
)
