package staff_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"dossier.example/app"
	"dossier.example/app/staff"
)

// Many who make tokens of an account at once make no more than there may be, and none twice.
func TestTokensAtOnce(t *testing.T) {
	tm := newTeam(t)
	m := tm.join(t, 1, staff.Viewer)
	tokens, err := staff.NewTokens(tm.store, "a staff secret of tests", staff.Options{Now: tm.now})
	if err != nil {
		t.Fatal(err)
	}
	made := func(want func(n int) string) (texts int) {
		var wg sync.WaitGroup
		var count atomic.Int32
		for n := range 3 * staff.MaxTokensEach {
			wg.Go(func() {
				text, _, err := tokens.Make(t.Context(), staff.Actor{Account: m.Account}, staff.NewToken{Name: want(n),
					Scopes: []staff.Scope{staff.ScopeRead}, Days: 1})
				if text != "" {
					count.Add(1)
				}
				if (text == "") != errors.Is(err, dossier.ErrInvalid) && !hasCode(err, dossier.CodeQuota) {
					t.Errorf("a token %.12q, and the error %v", text, err)
				}
			})
		}
		wg.Wait()
		return int(count.Load())
	}
	for name, c := range map[string]struct {
		most int
		want func(int) string
	}{
		"of one name":    {1, func(int) string { return "sync" }},
		"of other names": {staff.MaxTokensEach, func(n int) string { return fmt.Sprint("sync ", n) }},
	} {
		t.Run(name, func(t *testing.T) {
			n := made(c.want)
			left, err := tm.store.TokensOf(t.Context(), m.ID)
			if err != nil || n > c.most || len(left) != n {
				t.Errorf("%d were made, and there are %d of at most %d, %v", n, len(left), c.most, err)
			}
			for _, one := range left {
				if _, err := tm.store.RevokeToken(t.Context(), one.ID); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func hasCode(err error, code dossier.Code) bool {
	var coded *dossier.Error
	return errors.As(err, &coded) && coded.Code == code
}
