package plan

import "testing"

// TestLooser: conditions that hold wherever others do, and those that do not.
func TestLooser(t *testing.T) {
	of := func(operator, values string) string { return `{"` + operator + `":{"aws:Key":` + values + `}}` }
	for _, c := range []struct {
		name, a, b string
		want       bool
	}{
		{"none", "", of("Bool", `"true"`), true},
		{"the same", of("Bool", `"true"`), of("Bool", `"true"`), true},
		{"where there was none", of("Bool", `"true"`), "", false},
		{"another value", of("Bool", `"true"`), of("Bool", `"false"`), false},
		{"another key", of("Bool", `"true"`), `{"Bool":{"aws:Other":"true"}}`, false},
		{"one of several", of("StringEquals", `["a","b"]`), of("StringEquals", `"a"`), true},
		{"several in place of one", of("StringEquals", `"a"`), of("StringEquals", `["a","b"]`), false},
		{"one less", of("Bool", `"true"`), `{"Bool":{"aws:Key":"true","aws:Other":"true"}}`, true},
		{"a pattern of a value", of("StringLike", `"a*"`), of("StringEquals", `"ab"`), true},
		{"a pattern of a pattern", of("StringLike", `"a*"`), of("StringLike", `"ab*"`), true},
		{"a narrower pattern", of("StringLike", `"ab*"`), of("StringLike", `"a*"`), false},
		{"all but one, where it was all but two", of("StringNotEquals", `"a"`), of("StringNotEquals", `["a","b"]`),
			true},
		{"all but two, where it was all but one", of("StringNotEquals", `["a","b"]`), of("StringNotEquals", `"a"`),
			false},
		{"a block within", of("IpAddress", `"10.0.0.0/8"`), of("IpAddress", `"10.0.0.0/16"`), true},
		{"a block around", of("IpAddress", `"10.0.0.0/16"`), of("IpAddress", `"10.0.0.0/8"`), false},
		{"an address", of("IpAddress", `"2001:db8::/32"`), of("IpAddress", `"2001:db8::1"`), true},
		{"an address elsewhere", of("IpAddress", `"10.0.0.0/8"`), of("IpAddress", `"192.0.2.1"`), false},
	} {
		if got := looser(c.a, c.b); got != c.want {
			t.Errorf("%s: %t, want %t: %s for %s", c.name, got, c.want, c.a, c.b)
		}
	}
}
