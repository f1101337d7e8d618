// A tensor of the stream: base64 bytes with a scale. value = lo + byte / 255 · (hi − lo)
const cache = new WeakMap();

export function bytes(tensor) {
  let found = cache.get(tensor);
  if (!found) {
    const text = atob(tensor.data);
    found = new Uint8Array(text.length);
    for (let k = 0; k < text.length; k++) found[k] = text.charCodeAt(k);
    cache.set(tensor, found);
  }
  return found;
}

export function at(tensor, row, column) {
  const byte = bytes(tensor)[row * tensor.shape[1] + column];
  return tensor.lo + (byte / 255) * (tensor.hi - tensor.lo);
}
