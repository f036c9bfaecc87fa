// CRC-64/NVME of a whole from those of its parts, as app/checksum.go does it. BigInt is slow, and quick enough for one
// product a part.

const polynomial = 0x9a6c9329ac4bc9b5n;

/** Multiplies two polynomials modulo the CRC's. */
function multiply(a, b) {
  let product = 0n;
  while (a) {
    if (a >> 63n) product ^= b;
    b = (b >> 1n) ^ ((b & 1n) * polynomial);
    a = BigInt.asUintN(64, a << 1n);
  }
  return product;
}

const powers = new Map();

/** Returns x to the power of 8n: what n bytes behind a piece multiply its checksum by. */
function power(n) {
  let product = powers.get(n);
  if (product === undefined) {
    product = 1n << 63n;
    let square = 1n << 55n;
    for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) {
      if (rest % 2 === 1) product = multiply(product, square);
      square = multiply(square, square);
    }
    // All parts of a file but its last are of one length, so there are few.
    powers.set(n, product);
    if (powers.size > 100) powers.delete(powers.keys().next().value);
  }
  return product;
}

/**
 * Returns the checksum of pieces one behind the other, in base64: pieces are pairs of checksum, in base64, and length.
 */
export function combine(pieces) {
  let sum = 0n;
  for (const [crc, size] of pieces) {
    const bytes = atob(crc);
    let value = 0n;
    for (let i = 0; i < 8; i++) value = (value << 8n) | BigInt(bytes.charCodeAt(i));
    sum = multiply(sum, power(size)) ^ value;
  }
  const bytes = [];
  for (let shift = 56n; shift >= 0n; shift -= 8n) bytes.push(Number((sum >> shift) & 255n));
  return btoa(String.fromCharCode(...bytes));
}
