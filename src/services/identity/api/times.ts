/** A time as keystone writes it: UTC with microseconds. */
export const isoMicros = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z')
