Object.defineProperty(navigator, 'gpu', { value: undefined })
