package main

import (
	"testing"
)

// TestUnset: what a comment says that holds where nothing is given, and what it says under a condition.
func TestUnset(t *testing.T) {
	for _, c := range []struct{ comment, kind, want string }{
		{"Time to wait. Defaults to `300`.", "*int", "300"},
		{"The default for this attribute is 345600 (4 days).", "*int", "345600"},
		{"The default value is 0 seconds.", "*int", "0"},
		{"Valid values are `messageGroup` and `queue` (default).", "*string", "queue"},
		{"If not set, it defaults to `false` making it standard. Default is `false`.", "*bool", "false"},
		{"If omitted, the default is `HTTP`.", "*string", "HTTP"},
		{"Can be \"a\" or \"b\" (Default: \"a\").", "*string", "a"},
		{"Defaults to `true` when `kind` is `b`.", "*bool", ""},
		{"Defaults to `true` unless it is told.", "*bool", ""},
		{"If `kind` is `b`, the default is `true`.", "*bool", ""},
		{"Defaults to `a`. In other regions, it defaults to `b`.", "*string", ""},
		{"Defaults to the key of the account.", "*string", ""},
		{"Defaults to `yes`.", "*int", ""},
		{"Defaults to `a`.", "[]string", ""},
	} {
		if got := unset(c.comment, c.kind); got != c.want {
			t.Errorf("%s (%s): got %q, want %q", c.comment, c.kind, got, c.want)
		}
	}
}
