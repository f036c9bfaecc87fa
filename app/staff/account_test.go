package staff

import "testing"

func TestRoles(t *testing.T) {
	may := map[Role]map[Role]bool{
		Viewer:        {Viewer: true},
		Editor:        {Viewer: true, Editor: true},
		Administrator: {Viewer: true, Editor: true, Administrator: true},
		"":            {},
		"owner":       {},
	}
	for has, needs := range may {
		for _, need := range append(Roles, "", "owner") {
			if got := has.May(need); got != needs[need] {
				t.Errorf("%q may what %q is needed for: %v", has, need, got)
			}
		}
	}
}

func TestActorsRole(t *testing.T) {
	id, err := NewAccountID()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		account Account
		want    Role
	}{
		{Account{}, Administrator},
		{Account{ID: id, Role: Viewer, State: Active}, Viewer},
		{Account{ID: id, Role: Administrator, State: Invited}, ""},
		{Account{ID: id, Role: Administrator, State: Suspended}, ""},
	} {
		if got := (Actor{Account: c.account}).Role(); got != c.want {
			t.Errorf("the role of %+v is %q, want %q", c.account, got, c.want)
		}
	}
}
