import {
  blobByteSource,
  type ByteSource,
  type ModelSource,
} from '../../../../src/storage/byte-source.ts'

/** A value as it is written: its type by name. */
export type Typed =
  | { readonly uint8: number }
  | { readonly int8: number }
  | { readonly uint16: number }
  | { readonly int16: number }
  | { readonly uint32: number }
  | { readonly int32: number }
  | { readonly float32: number }
  | { readonly bool: boolean | number }
  | { readonly string: string | Uint8Array }
  | { readonly array: readonly Typed[]; readonly of?: number; readonly count?: bigint }
  | { readonly uint64: bigint }
  | { readonly int64: bigint }
  | { readonly float64: number }

const typeIds: Record<string, number> = {
  uint8: 0,
  int8: 1,
  uint16: 2,
  int16: 3,
  uint32: 4,
  int32: 5,
  float32: 6,
  bool: 7,
  string: 8,
  array: 9,
  uint64: 10,
  int64: 11,
  float64: 12,
}

class Writer {
  readonly parts: number[] = []

  number(bytes: number, write: (view: DataView) => void): void {
    const view = new DataView(new ArrayBuffer(bytes))
    write(view)
    this.parts.push(...new Uint8Array(view.buffer))
  }

  uint32(value: number): void {
    this.number(4, (view) => view.setUint32(0, value, true))
  }

  uint64(value: bigint): void {
    this.number(8, (view) => view.setBigUint64(0, value, true))
  }

  string(text: string | Uint8Array): void {
    const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text
    this.uint64(BigInt(bytes.length))
    this.parts.push(...bytes)
  }

  value(value: Typed): void {
    if ('uint8' in value) this.parts.push(value.uint8)
    else if ('int8' in value) this.number(1, (view) => view.setInt8(0, value.int8))
    else if ('uint16' in value) this.number(2, (view) => view.setUint16(0, value.uint16, true))
    else if ('int16' in value) this.number(2, (view) => view.setInt16(0, value.int16, true))
    else if ('uint32' in value) this.uint32(value.uint32)
    else if ('int32' in value) this.number(4, (view) => view.setInt32(0, value.int32, true))
    else if ('float32' in value) this.number(4, (view) => view.setFloat32(0, value.float32, true))
    else if ('bool' in value) this.parts.push(Number(value.bool))
    else if ('string' in value) this.string(value.string)
    else if ('uint64' in value) this.uint64(value.uint64)
    else if ('int64' in value) this.number(8, (view) => view.setBigInt64(0, value.int64, true))
    else if ('float64' in value) this.number(8, (view) => view.setFloat64(0, value.float64, true))
    else {
      this.uint32(value.of ?? typeOf(value.array[0] ?? { uint8: 0 }))
      this.uint64(value.count ?? BigInt(value.array.length))
      for (const element of value.array) this.value(element)
    }
  }
}

const typeOf = (value: Typed): number => typeIds[Object.keys(value)[0]!]!

export type BuiltTensor = {
  readonly name: string
  readonly type: number
  /** As the file has it: the dimension of neighbours first. */
  readonly dimensions: readonly bigint[]
  readonly bytes: Uint8Array
  /** Where it is said to start; where it lies by default. */
  readonly offset?: bigint
}

export type BuildGguf = {
  readonly version?: number
  readonly metadata?: readonly (readonly [string, Typed])[]
  readonly tensors?: readonly BuiltTensor[]
  readonly alignment?: number
  readonly counts?: { readonly tensors?: bigint; readonly metadata?: bigint }
}

/** A GGUF file, or something that nearly is one. */
export const buildGguf = (options: BuildGguf): Uint8Array<ArrayBuffer> => {
  const { version = 3, metadata = [], tensors = [], alignment = 32, counts = {} } = options
  const writer = new Writer()
  writer.uint32(0x46554747)
  writer.uint32(version)
  writer.uint64(counts.tensors ?? BigInt(tensors.length))
  writer.uint64(counts.metadata ?? BigInt(metadata.length))
  for (const [name, value] of metadata) {
    writer.string(name)
    writer.uint32(typeOf(value))
    writer.value(value)
  }
  const up = (value: number) => Math.ceil(value / alignment) * alignment
  let at = 0
  for (const { name, type, dimensions, bytes, offset } of tensors) {
    writer.string(name)
    writer.uint32(dimensions.length)
    for (const size of dimensions) writer.uint64(size)
    writer.uint32(type)
    writer.uint64(offset ?? BigInt(at))
    at = up(at + bytes.length)
  }
  const dataStart = up(writer.parts.length)
  const file = new Uint8Array(dataStart + at)
  file.set(writer.parts)
  at = dataStart
  for (const { bytes } of tensors) {
    file.set(bytes, at)
    at = up(at + bytes.length)
  }
  return file
}

export const ggufSource = (bytes: Uint8Array<ArrayBuffer>, name = 'model.gguf'): ByteSource =>
  blobByteSource(name, new Blob([bytes]))

/** A model source that has nothing but the given files. */
export const filesSource = (files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>) => {
  const source: Pick<ModelSource, 'open'> = {
    open: async (name) => {
      const bytes = files[name]
      if (!bytes) throw new Error(`no ${name}`)
      return ggufSource(bytes, name)
    },
  }
  return source
}
