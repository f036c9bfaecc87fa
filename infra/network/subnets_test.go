package network

import (
	"net/netip"
	"testing"
)

func TestSubnetBlocks(t *testing.T) {
	for _, test := range []struct {
		vpc             string
		zones           int
		public, private []string
		fails           bool
	}{
		{vpc: "10.0.0.0/16", zones: 2, public: []string{"10.0.0.0/20", "10.0.16.0/20"}, private: []string{"10.0.128.0/20", "10.0.144.0/20"}},
		{
			vpc: "192.168.7.0/24", zones: 4,
			public:  []string{"192.168.7.0/28", "192.168.7.16/28", "192.168.7.32/28", "192.168.7.48/28"},
			private: []string{"192.168.7.128/28", "192.168.7.144/28", "192.168.7.160/28", "192.168.7.176/28"},
		},
		{vpc: "10.0.0.0/25", zones: 2, fails: true},
		{vpc: "10.0.0.0/16", zones: 9, fails: true},
		{vpc: "fd00::/56", zones: 2, fails: true},
	} {
		public, private, err := subnetBlocks(netip.MustParsePrefix(test.vpc), test.zones)
		if (err != nil) != test.fails {
			t.Errorf("%s in %d zones: error %v, want one: %v", test.vpc, test.zones, err, test.fails)
		}
		for kind, pair := range map[string][2][]string{"public": {texts(public), test.public}, "private": {texts(private), test.private}} {
			if len(pair[0]) != len(pair[1]) {
				t.Errorf("%s in %d zones: %s %v, want %v", test.vpc, test.zones, kind, pair[0], pair[1])
				continue
			}
			for i := range pair[0] {
				if pair[0][i] != pair[1][i] {
					t.Errorf("%s in %d zones: %s %v, want %v", test.vpc, test.zones, kind, pair[0], pair[1])
				}
			}
		}
	}
}

// TestAnotherZoneMovesNothing would fail if a later zone renumbered the subnets that are there, which AWS can only
// replace.
func TestAnotherZoneMovesNothing(t *testing.T) {
	vpc := netip.MustParsePrefix("10.20.0.0/16")
	public, private, err := subnetBlocks(vpc, 4)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[netip.Prefix]bool{}
	for _, p := range append(append([]netip.Prefix{}, public...), private...) {
		if !vpc.Contains(p.Addr()) || seen[p] {
			t.Errorf("%s is outside of %s or given twice", p, vpc)
		}
		seen[p] = true
	}
	for zones := 2; zones < 4; zones++ {
		fewer, fewerPrivate, err := subnetBlocks(vpc, zones)
		if err != nil {
			t.Fatal(err)
		}
		for i := range zones {
			if fewer[i] != public[i] || fewerPrivate[i] != private[i] {
				t.Errorf("zone %d has other subnets with %d zones than with 4", i+1, zones)
			}
		}
	}
}

func texts(list []netip.Prefix) []string {
	var s []string
	for _, p := range list {
		s = append(s, p.String())
	}
	return s
}
