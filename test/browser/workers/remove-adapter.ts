Object.defineProperty(navigator, 'gpu', { value: { requestAdapter: () => Promise.resolve(null) } })
