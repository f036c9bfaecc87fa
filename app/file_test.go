package dossier

import (
	"errors"
	"strings"
	"testing"
)

func TestObjectKey(t *testing.T) {
	p, f := NewPersonID(), NewFileID()
	key := ObjectKey(p, f)
	gotP, gotF, err := ParseObjectKey(key)
	if err != nil || gotP != p || gotF != f {
		t.Errorf("ParseObjectKey(%q) = %v, %v, %v", key, gotP, gotF, err)
	}
	for _, bad := range []string{"", "files/", "files/x/y", key + "/z", "other/" + key, strings.TrimPrefix(key, "files/"), "files/" + p.String()} {
		if _, _, err := ParseObjectKey(bad); !errors.Is(err, ErrNotFound) {
			t.Errorf("ParseObjectKey(%q): %v, want ErrNotFound", bad, err)
		}
	}
}
