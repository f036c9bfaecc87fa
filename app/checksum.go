package dossier

import (
	"hash"

	"github.com/minio/crc64nvme"
)

// crc64Polynomial is the polynomial of CRC-64/NVME, reflected: the highest bit is the coefficient of x⁰
// (https://reveng.sourceforge.io/crc-catalogue/all.htm#crc.cat.crc-64-nvme).
const crc64Polynomial = 0x9a6c9329ac4bc9b5

// NewCRC64 returns a hash that computes CRC-64/NVME, the checksum in Content, Held and Part.
func NewCRC64() hash.Hash64 { return crc64nvme.New() }

// CombineCRC64 returns the CRC-64/NVME of two pieces of data, one after the other: a and b are the checksums of the
// pieces, lenB is the length of the second in bytes, which must not be negative. So the checksum of a whole can be
// computed from those of its parts without reading them. Zero is the checksum of no bytes, and so the start of a fold
// over parts. The time grows with the logarithm of lenB.
func CombineCRC64(a, b uint64, lenB int64) uint64 {
	// A checksum is a remainder, so lenB bytes behind the first piece multiply its remainder by x to the number of
	// their bits. The inversions at the beginning and the end of a CRC cancel each other out in the sum.
	return multiplyCRC64(a, powerCRC64(lenB)) ^ b
}

// powerCRC64 returns x to the power of 8n modulo the polynomial, by repeated squaring.
func powerCRC64(n int64) uint64 {
	const one, eighth = 1 << 63, 1 << (63 - 8) // x⁰ and x⁸
	power := uint64(one)
	for square := uint64(eighth); n > 0; n >>= 1 {
		if n&1 != 0 {
			power = multiplyCRC64(power, square)
		}
		square = multiplyCRC64(square, square)
	}
	return power
}

// multiplyCRC64 multiplies two polynomials modulo the polynomial.
func multiplyCRC64(a, b uint64) uint64 {
	var product uint64
	for ; a != 0; a <<= 1 {
		if a>>63 != 0 {
			product ^= b
		}
		b = b>>1 ^ b&1*crc64Polynomial // times x
	}
	return product
}
