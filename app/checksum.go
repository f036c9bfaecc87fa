package dossier

import (
	"hash"
	"hash/crc64"
)

// crc64NVME is the polynomial of CRC-64/NVME, reflected
// (https://reveng.sourceforge.io/crc-catalogue/all.htm#crc.cat.crc-64-nvme).
var crc64NVME = crc64.MakeTable(0x9a6c9329ac4bc9b5)

// NewCRC64 returns a hash that computes CRC-64/NVME, the checksum that Content and Held carry.
func NewCRC64() hash.Hash64 { return crc64.New(crc64NVME) }
