/**
 * A special token of tokenizer_config.json, such as `eos_token`, which is given as text or as an
 * object with its text in `content`. Null where the file has none.
 */
export const readSpecialToken = (config: unknown, name: string): string | null => {
  const value = readField(config, name)
  const text = typeof value === 'string' ? value : readField(value, 'content')
  return typeof text === 'string' ? text : null
}

const readField = (holder: unknown, field: string): unknown =>
  typeof holder === 'object' && holder !== null && Object.hasOwn(holder, field)
    ? Reflect.get(holder, field)
    : undefined
