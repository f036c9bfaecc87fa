package plan

import (
	"strconv"
	"strings"
	"testing"
)

// TestUnsetAgrees: what guards take for given where nothing is, is what the table says: two sources for one default.
func TestUnsetAgrees(t *testing.T) {
	asked := 0
	for key, text := range unsetValues() {
		token, path, _ := strings.Cut(key, " ")
		for _, g := range guardsOf(token) {
			if on, err := strconv.ParseBool(text); g.path == path && err == nil {
				if asked++; on != g.absent {
					t.Errorf("%s: the guard takes %t for what holds where nothing is given, the table %t", key,
						g.absent,
						on)
				}
			}
		}
	}
	if asked < 20 {
		t.Errorf("only %d defaults were asked about", asked)
	}
}
