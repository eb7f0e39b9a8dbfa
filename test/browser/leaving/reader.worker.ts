// Reads a stream that it is given, a piece at a time, and cancels it when it is told to.
let reader: ReadableStreamDefaultReader<Uint8Array> | null = null

const readOn = async () => {
  for (;;) {
    const { done } = (await reader?.read()) ?? { done: true }
    postMessage(done ? 'done' : 'read')
    if (done) return
  }
}

addEventListener('message', ({ data }: MessageEvent<ReadableStream<Uint8Array> | 'cancel'>) => {
  if (data === 'cancel') return void reader?.cancel()
  reader = data.getReader()
  void readOn()
})
