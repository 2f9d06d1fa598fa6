/** float16 as float32: each of the 65,536 numbers that there are is worked out once. */

let table: Float32Array | undefined;

/** Return halves, given as their bits, as float32; every one of them is exact. */
export function floatsOfHalves(bits: Uint16Array): Float32Array {
  table ??= everyHalf();
  const floats = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) floats[i] = table[bits[i]!]!;
  return floats;
}

function everyHalf(): Float32Array {
  return Float32Array.from({ length: 65536 }, (_, bits) => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
}
