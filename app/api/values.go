package api

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
)

// FormatCRC64NVME writes a CRC-64/NVME: base64 of its eight bytes, most significant first.
func FormatCRC64NVME(crc uint64) CRC64NVME {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, crc))
}

// ParseCRC64NVME is the inverse of FormatCRC64NVME.
func ParseCRC64NVME(text CRC64NVME) (uint64, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	// The decoder skips line breaks.
	if err != nil || len(b) != 8 || len(text) != 12 {
		return 0, errors.New("not a CRC-64/NVME")
	}
	return binary.BigEndian.Uint64(b), nil
}

// FormatSHA256 writes a SHA-256 as sha256sum prints it.
func FormatSHA256(sum [32]byte) SHA256 { return hex.EncodeToString(sum[:]) }

// ParseSHA256 is the inverse of FormatSHA256.
func ParseSHA256(text SHA256) (sum [32]byte, err error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(sum) || hex.EncodeToString(b) != text {
		return sum, errors.New("not a SHA-256")
	}
	return [32]byte(b), nil
}
