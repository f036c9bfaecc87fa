package dossier

import "testing"

func TestFirstCodePoints(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{
		{"", 3, ""},
		{"abc", 3, "abc"},
		{"abcd", 3, "abc"},
		{"äöü", 3, "äöü"},
		{"äöüß", 3, "äöü"},
		{"𠀀𠀀𠀀", 2, "𠀀𠀀"},
		{"ab", 0, ""},
	} {
		if got := FirstCodePoints(c.in, c.n); got != c.want {
			t.Errorf("the first %d of %q: got %q, want %q", c.n, c.in, got, c.want)
		}
	}
}
