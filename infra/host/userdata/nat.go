package userdata

import "net/netip"

// NAT is an instance that the private subnets reach the internet through. It needs a public address, and its network
// interface without the source/destination check.
type NAT struct {
	// CIDR is the IPv4 block of the VPC: what is translated, and nothing else is forwarded.
	CIDR netip.Prefix
}

// UserData returns the script, of at most MaxUserData bytes. The error tells every field that is not of the form
// allowed.
func (n NAT) UserData() (string, error) {
	f := &faults{of: "NAT"}
	if !n.CIDR.IsValid() || !n.CIDR.Addr().Is4() || n.CIDR != n.CIDR.Masked() {
		f.add("CIDR", "= %v must be an IPv4 block such as 10.0.0.0/16", n.CIDR)
	}
	if err := f.err(); err != nil {
		return "", err
	}
	return userData("nat.bash", struct {
		NAT
		Budget, EOF string
	}{n, "900", endOfFile})
}
