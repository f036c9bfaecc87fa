package objects

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	dossier "dossier.example/app"
)

// checksumHeader is how S3 names the CRC-64/NVME of what is sent, in Go's spelling.
const checksumHeader = "X-Amz-Checksum-Crc64nvme"

// partHeader returns what a client has to send with a part to S3.
func partHeader(p dossier.Part) map[string]string {
	header := lengthHeader(p)
	header[checksumHeader] = encodeCRC64(p.CRC64)
	return header
}

// encodeCRC64 writes a checksum as S3 does.
func encodeCRC64(sum uint64) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, sum))
}

// ofWhole returns what a store says of the CRC-64/NVME of a whole object; nil where it says nothing of the whole. S3
// keeps this checksum of the whole only. Ceph calls that of an object in one part composite, and ends it with "-1".
func ofWhole(sum *string, of types.ChecksumType) *string {
	if sum == nil || of != types.ChecksumTypeComposite {
		return sum
	}
	if one, ok := strings.CutSuffix(*sum, "-1"); ok {
		return &one
	}
	return nil
}

// decodeCRC64 is the inverse of encodeCRC64.
func decodeCRC64(text string) (uint64, error) {
	sum, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(sum) != 8 {
		return 0, errors.New("the store returned an invalid CRC-64/NVME")
	}
	return binary.BigEndian.Uint64(sum), nil
}
