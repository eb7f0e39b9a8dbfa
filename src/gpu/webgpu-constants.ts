// TypeScript's own DOM types describe WebGPU's objects but not these constant namespaces, and Dawn
// for Node does not put them on globalThis. The values are fixed by the WebGPU specification.
export const bufferUsage = {
  mapRead: 0x0001,
  copySrc: 0x0004,
  copyDst: 0x0008,
  uniform: 0x0040,
  storage: 0x0080,
} as const

export const mapModeRead = 0x0001
export const shaderStageCompute = 0x4
