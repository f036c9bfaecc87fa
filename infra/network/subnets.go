package network

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// bits is how many bits longer a subnet's prefix is than the VPC's: sixteen subnets fit.
const bits = 4

// subnetBlocks divides the VPC's block: public subnets take the first blocks and private ones those from the middle on,
// so that another zone later moves nothing.
func subnetBlocks(vpc netip.Prefix, zones int) (public, private []netip.Prefix, err error) {
	length := vpc.Bits() + bits
	if !vpc.Addr().Is4() || length > 28 {
		return nil, nil, fmt.Errorf("cannot divide %s into 16 subnets: the VPC's block has to be IPv4 and at least a /24, for AWS's smallest subnet is a /28", vpc)
	}
	if zones > 1<<(bits-1) {
		return nil, nil, fmt.Errorf("%d zones: %s has room for %d", zones, vpc, 1<<(bits-1))
	}
	base := binary.BigEndian.Uint32(vpc.Masked().Addr().AsSlice())
	block := func(i int) netip.Prefix {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], base+uint32(i)<<(32-length))
		return netip.PrefixFrom(netip.AddrFrom4(a), length)
	}
	for zone := range zones {
		public = append(public, block(zone))
		private = append(private, block(1<<(bits-1)+zone))
	}
	return public, private, nil
}
