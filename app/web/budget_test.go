package web_test

import (
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/web"
)

// behindProxy believes what this machine says of clients' addresses.
var behindProxy = web.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}

func by(address string) http.Header { return http.Header{"X-Forwarded-For": {address}} }

// submitBy sends a form from an address.
func (s *site) submitBy(address string, f form) answer {
	s.t.Helper()
	s.remember(f)
	header := by(address)
	header.Set("Content-Type", formType)
	return s.do(http.MethodPost, "/submissions", header, strings.NewReader(f.body()))
}

// budgeted runs a test on two instances over each kind of stores.
func budgeted(t *testing.T, b dossier.Budget, test func(s *site)) {
	everywhere(t, setup{domain: dossier.Options{Budget: b}, web: behindProxy}, test)
}

// Of 31 persons that one address registers at once as many are taken as one network may add in a day. Other networks
// go on.
func TestPersonsOfANetwork(t *testing.T) {
	budgeted(t, dossier.Budget{DayPersons: 10}, func(s *site) {
		statuses := make([]int, 31)
		var wg sync.WaitGroup
		for i := range statuses {
			wg.Go(func() {
				header := by("192.0.2.7")
				header.Set("Content-Type", "application/json")
				body := `{"name":"Ada","location":"London","age":36,"technology":"Go"}`
				a := s.do(http.MethodPost, api.Prefix+"/people", header, strings.NewReader(body))
				statuses[i] = a.status
				if a.status == http.StatusOK {
					_, after, _ := strings.Cut(a.body, `"receipt":"`)
					receipt, _, _ := strings.Cut(after, `"`)
					s.hide(receipt)
				}
			})
		}
		wg.Wait()
		taken, refused := 0, 0
		for _, status := range statuses {
			switch status {
			case http.StatusOK:
				taken++
			case http.StatusConflict:
				refused++
			}
		}
		if taken != 10 || taken+refused != len(statuses) {
			s.t.Errorf("%d of %d persons were taken and %d refused, want 10 taken: %v", taken, len(statuses), refused,
				statuses)
		}
		another := ada.with(some(1)...)
		if a := s.submitBy("192.0.2.7", another); a.status != http.StatusConflict ||
			!strings.Contains(a.body, "after midnight UTC") || !strings.Contains(a.body, another.receipt) {
			s.t.Errorf("a form of that network: got %v, want the form again with a refusal", a)
		}
		if a := s.submitBy("192.0.2.8", another); a.status != http.StatusSeeOther {
			s.t.Errorf("a form of another network: %v", a)
		}
	})
}

// A network whose day is used up is told so before it sends, another one goes on.
func TestTheDayOfANetworkThroughHTTP(t *testing.T) {
	budgeted(t, dossier.Budget{DayFiles: 3}, func(s *site) {
		here, there := "2001:db8:1:1::7", "2001:db8:1:2::7"
		if a := s.submitBy(here, ada.with(some(3)...)); a.status != http.StatusSeeOther {
			s.t.Fatalf("three files: %v", a)
		}
		// Another address of the same network.
		neighbour := "2001:db8:1:1::8"
		var limits api.Limits
		s.ask(call{path: "/limits", header: by(neighbour)}, &limits)
		if limits.NotTaking == nil || *limits.RoomFiles != 0 {
			s.t.Errorf("the limits of a network whose day is used up are %+v", limits)
		}
		if a := s.do(http.MethodGet, "/", by(neighbour), nil); !strings.Contains(a.body,
			"No files can be sent at the moment") {
			s.t.Errorf("the form does not tell that no files are taken: %v", a)
		}
		receipt := s.register()
		s.ask(call{method: "PUT", path: anyFile(), receipt: receipt, header: by(neighbour),
			body: api.Announcement{Name: "a", Size: 1}, status: 409, code: dossier.CodeDay}, nil)
		f := ada.with(some(2)...)
		a := s.submitBy(neighbour, f)
		if a.status != http.StatusConflict || !strings.Contains(a.body, "0 of 2 files") ||
			!strings.Contains(a.body, "after midnight UTC") {
			s.t.Errorf("two more files: %v", a)
		}
		// The same form from elsewhere stores what is missing.
		s.mustAccept(s.submitBy(there, f), f)
		s.ask(call{path: "/limits", header: by(there)}, &limits)
		if limits.NotTaking != nil && *limits.RoomFiles != 1 {
			s.t.Errorf("the limits of another network are %+v", limits)
		}
	})
}

// A store whose budget is used up says so before bytes are sent, takes details, reads and deletes, and takes files
// again when something was deleted.
func TestAFullStoreThroughHTTP(t *testing.T) {
	budgeted(t, dossier.Budget{StoreFiles: 2}, func(s *site) {
		first := ada.with(some(2)...)
		s.mustAccept(s.submit(first), first)
		var limits api.Limits
		s.until("all instances know that the budget is used up", func() bool {
			limits = api.Limits{}
			s.ask(call{path: "/limits"}, &limits)
			return limits.NotTaking != nil
		})
		if *limits.RoomFiles != 0 || *limits.RoomSize != 0 {
			s.t.Errorf("the room of a full store is %+v", limits)
		}
		page := s.get("/")
		for _, want := range []string{"No files can be sent at the moment", "Stored files are safe",
			"multiple disabled"} {
			if !strings.Contains(page.body, want) {
				s.t.Errorf("the form of a full store does not have %q", want)
			}
		}
		storage := s.do(http.MethodGet, "/staff/storage", s.session(), nil)
		if want := "2 of 2 files: 100 %"; !strings.Contains(storage.body, want) {
			s.t.Errorf("staff are not told %q: %v", want, storage)
		}
		receipt := s.register()
		s.ask(call{method: "PUT", path: anyFile(), receipt: receipt, body: api.Announcement{Name: "a", Size: 1},
			status: 503, code: dossier.CodeFull}, nil)
		second := ada.with(some(1)...)
		if a := s.submit(second); a.status != http.StatusServiceUnavailable ||
			!strings.Contains(a.body, "0 of 1 file") {
			s.t.Errorf("one more file: %v", a)
		}
		s.mustHave(first, first.files...)
		file := s.records(first.parsed(t).Person)[0]
		if err := s.svc.DeleteFile(s.t.Context(), file.Person, file.ID); err != nil {
			s.t.Fatal(err)
		}
		s.mustAccept(s.submit(second), second)
	})
}
