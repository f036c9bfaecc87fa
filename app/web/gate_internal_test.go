package web

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/bounds"
)

// Who makes room in a full gate, if anybody, and what a newcomer is told else.
func TestGateMakesRoom(t *testing.T) {
	// A guest of a client, in for as long as the grace or just now, idle or fast, one that can be cut off or not.
	type visitor struct {
		client          byte
		old, fast, firm bool
	}
	for name, c := range map[string]struct {
		in    []visitor
		who   byte
		loser int // of in; -1: nobody, so the newcomer is refused
		code  dossier.Code
	}{
		"an idle one of the same client": {[]visitor{{client: 1, old: true}, {client: 1}, {client: 1}}, 1, 0, ""},
		"none of the same client that is fast": {[]visitor{{client: 1, old: true, fast: true}, {client: 1},
			{client: 1}}, 1, -1, codeLimited},
		"none of the same client that is new": {[]visitor{{client: 1}, {client: 1}, {client: 1}}, 1, -1, codeLimited},
		"not another client for one's own bound": {[]visitor{{client: 1}, {client: 1}, {client: 1}, {client: 2,
			old: true}}, 1, -1, codeLimited},
		"the slowest of who has most": {[]visitor{{client: 1, fast: true}, {client: 1}, {client: 2},
			{client: 3}}, 4, 1, ""},
		"an idle one where all have one": {[]visitor{{client: 1, fast: true, old: true}, {client: 2, old: true},
			{client: 3}, {client: 4}}, 5, 1, ""},
		"none where all are fast": {[]visitor{{client: 1, fast: true, old: true}, {client: 2, fast: true, old: true},
			{client: 3}, {client: 4}}, 5, -1, codeBusy},
		"none that cannot be cut off": {[]visitor{{client: 1, old: true, firm: true}, {client: 1, firm: true},
			{client: 2, firm: true}, {client: 3, firm: true}}, 4, -1, codeBusy},
		"an idle one where who has most cannot be cut off": {[]visitor{{client: 1, firm: true}, {client: 1, firm: true},
			{client: 2, old: true}, {client: 3}}, 4, 2, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGate("test", bounds.Share{Client: 3, All: 4})
			client := func(n byte) netip.Prefix { return netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, n}), 32) }
			lost := -1
			var in []*guest
			for i, v := range c.in {
				cut := func() { lost = i }
				if v.firm {
					cut = nil
				}
				p := &pace{}
				one, err := g.enter(client(v.client), p, cut)
				if err != nil {
					t.Fatal(err)
				}
				if v.old {
					one.since = time.Now().Add(-2 * guestGrace)
				}
				if v.fast {
					p.add(1<<30, time.Now())
				}
				in = append(in, one)
			}
			one, err := g.enter(client(c.who), &pace{}, func() {})
			if lost != c.loser {
				t.Errorf("%d made room, want %d", lost, c.loser)
			}
			var refused *dossier.Error
			switch {
			case c.code == "" && err != nil:
				t.Errorf("the newcomer is refused: %v", err)
			case c.code != "" && (!errors.As(err, &refused) || refused.Code != c.code):
				t.Errorf("the newcomer is told %v, want %s", err, c.code)
			}
			if most, away := g.load(); away != 1 || most > 4 {
				t.Errorf("%d at once, %d turned away; want 4 at most, and 1", most, away)
			}
			if one != nil {
				in = append(in, one)
			}
			for _, one := range in {
				one.leave()
				one.leave()
			}
			if g.count != 0 || len(g.guests) != 0 {
				t.Errorf("%d are left of %d clients", g.count, len(g.guests))
			}
		})
	}
}
