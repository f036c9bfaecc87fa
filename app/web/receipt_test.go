package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"dossier.example/app"
	"dossier.example/app/internal/teststores"
	"dossier.example/app/web"
)

func TestReceipt(t *testing.T) {
	s := open(t, setup{})
	f := ada.with(some(2)...)
	a := s.submit(f)
	s.mustAccept(a, f)
	path := a.header.Get("Location")
	page := s.get(path)
	page.must(t, http.StatusOK, "Complete", ada.name, ada.location, ada.technology,
		"http://"+s.addr+"/receipt#"+f.receipt)
	if stored, missing := page.told(t); len(stored) != 2 || len(missing) != 0 {
		t.Errorf("the receipt tells %q as stored, %q as missing", stored, missing)
	}
	if got := page.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control is %q", got)
	}
	if got := page.header.Get("X-Robots-Tag"); got != "noindex" {
		t.Errorf("X-Robots-Tag is %q", got)
	}
	if head := s.do(http.MethodHead, path, nil, nil); head.status != http.StatusOK || head.body != "" {
		t.Errorf("HEAD: %v", head)
	}
	// What staff may do is not offered.
	page.mustNot(t, "/people/", "delete", "Delete")
}

// Only pages that send files may start workers and connect to the object store.
func TestUploadPolicy(t *testing.T) {
	const store = "https://bucket.s3.eu-west-1.amazonaws.com"
	for _, test := range []struct{ name, origin, connect string }{
		{"a store of the site's own", "", "connect-src 'self';"},
		{"a store elsewhere", store, "connect-src 'self' " + store + ";"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := open(t, setup{web: web.Options{PartsOrigin: test.origin}, domain: dossier.Options{Limits: small}})
			f := ada.with(some(1)...)
			a := s.submit(f)
			s.mustAccept(a, f)
			faulty := ada.with()
			faulty.name = ""
			part := ada.with(some(4)...)
			for what, a := range map[string]answer{
				"the form": s.get("/"), "the form with faults": s.submit(faulty),
				"a receipt": s.get(a.header.Get("Location")), "a receipt in part": s.submit(part),
			} {
				policy := a.header.Get("Content-Security-Policy")
				if !strings.Contains(policy, test.connect) || !strings.Contains(policy, "worker-src 'self'") ||
					!strings.Contains(a.body, "data-upload-worker=") {
					t.Errorf("%s: the policy is %q; want %q and workers", what, policy, test.connect)
				}
			}
			for _, path := range []string{"/staff/sign-in", "/nothing", "/api/v1/"} {
				policy := s.get(path).header.Get("Content-Security-Policy")
				if !strings.Contains(policy, "connect-src 'self';") || strings.Contains(policy, "worker-src") {
					t.Errorf("%s: the policy is %q; want none of what uploads need", path, policy)
				}
			}
		})
	}
}

// The receipt of a submission that was never acknowledged promises nothing, whatever of it lies in the stores.
func TestReceiptPending(t *testing.T) {
	commits := 0
	tests := []struct {
		name  string
		fault *teststores.Faults
	}{
		{"its files are committed, the person is not", teststores.Every("people.Acknowledge", failBefore)},
		{"one file is committed, the other not", teststores.NewFaults(func(_ int, call string) mode {
			if call == "catalog.Commit" {
				commits++
			}
			if call == "catalog.Commit" && commits == 2 {
				return failBefore
			}
			return sound
		})},
		{"nothing arrived", teststores.NewFaults(func(_ int, call string) mode {
			if call == "objects.Put" || call == "people.Acknowledge" {
				return failBefore
			}
			return sound
		})},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := open(t, setup{wrap: test.fault.Wrap})
			f := ada.with(some(2)...)
			s.submit(f).must(t, http.StatusServiceUnavailable, `id="submission"`)
			page := s.get("/receipt/" + f.receipt)
			page.must(t, http.StatusOK, "Not confirmed", ada.name)
			page.mustNot(t, "Complete", "Received", ">Download<")
			if stored, _ := page.told(t); len(stored) != 0 {
				t.Errorf("the receipt tells %q as stored", stored)
			}
		})
	}
}

// The receipt of a submission whose second try is under way: what is stored is told as stored, and what is not as not.
func TestReceiptPartial(t *testing.T) {
	s := open(t, setup{})
	files := some(3)
	f := ada.with(files[0])
	s.mustAccept(s.submit(f), f)

	g := f
	g.files = []file{files[1], {files[2].name, strings.Repeat("z", 500_000)}}
	body := g.body()
	w := s.dial()
	w.postHead(len(body))
	w.write(body[:len(body)-1000])
	s.until("the third file is on its way", func() bool { return s.holds().records == 3 })

	page := s.get("/receipt/" + f.receipt)
	page.must(t, http.StatusOK, "Being sent", "Your files are being sent", "1 of 3 files are stored so far")
	page.mustNot(t, "Received, thank you", "Complete")
	stored, missing := page.told(t)
	if !slices.Equal(stored, []string{files[0].name}) || len(missing) != 2 || missing[files[1].name] == "" ||
		missing[files[2].name] == "" {
		t.Errorf("the receipt tells %q as stored, %q as missing", stored, missing)
	}
	w.write(body[len(body)-1000:])
	a, _ := w.answer()
	a.must(t, http.StatusSeeOther)
	page = s.get("/receipt/" + f.receipt)
	page.must(t, http.StatusOK, "Complete")
	if stored, missing := page.told(t); len(stored) != 3 || len(missing) != 0 {
		t.Errorf("the receipt tells %q as stored, %q as missing", stored, missing)
	}
}

// Whoever tries receipts learns nothing: those that nobody was given, those of others and those that are none get the
// same page, and the first two cost the same calls to the stores.
func TestForeignReceipts(t *testing.T) {
	f := teststores.NewFaults(nil)
	s := open(t, setup{wrap: f.Wrap})
	sent := ada.with(some(1)...)
	s.mustAccept(s.submit(sent), sent)
	fileID := s.records(sent.parsed(t).Person)[0].ID.String()
	otherSecret := sent.parsed(t)
	otherSecret.Secret[31] ^= 1
	zeroSecret := sent.parsed(t)
	zeroSecret.Secret = [32]byte{}
	deleted := ada.with()
	s.mustAccept(s.submit(deleted), deleted)
	if err := s.svc.DeletePerson(t.Context(), deleted.parsed(t).Person); err != nil {
		t.Fatal(err)
	}

	const (
		none = iota // no call: it is no receipt
		look        // the calls of a look at the person
	)
	tests := []struct {
		name, receipt string
		calls         int
	}{
		{"nobody's", dossier.NewReceipt().String(), look},
		{"another secret", otherSecret.String(), look},
		{"a secret of zeros", zeroSecret.String(), look},
		{"of a person who was deleted", deleted.receipt, look},
		{"too short", sent.receipt[:63], none},
		{"too long", sent.receipt + "A", none},
		{"other characters", strings.Repeat("*", 64), none},
		{"padded", sent.receipt[:63] + "=", none},
		{"line break", sent.receipt[:63] + "\n", none},
		{"no UTF-8", strings.Repeat("\xff", 64), none},
		{"a path", "../../etc/passwd", none},
		{"very long", strings.Repeat("A", 5000), none},
		{"an id of another kind", strings.Repeat("A", 64), none},
	}
	for _, kind := range []struct{ name, suffix string }{
		{"receipt", ""}, {"file", "/files/" + fileID}, {"other file", "/files/" + dossier.NewFileID().String()},
		{"no file id", "/files/x"},
	} {
		var wantBody string
		var wantCalls []string
		for _, test := range tests {
			t.Run(kind.name+", "+test.name, func(t *testing.T) {
				s := s.in(t)
				f.Forget()
				s.hide(test.receipt)
				a := s.get("/receipt/" + url.PathEscape(test.receipt) + kind.suffix)
				a.must(t, http.StatusNotFound, "This link does not open a receipt.")
				a.mustNot(t, ada.name, test.receipt)
				body := strings.ReplaceAll(a.body, a.id(), "")
				calls := f.Forget()
				if wantBody == "" {
					wantBody, wantCalls = body, calls
				}
				if body != wantBody {
					t.Errorf("the page is\n%s\nthe others got\n%s", body, wantBody)
				}
				if test.calls == none && len(calls) != 0 {
					t.Errorf("the stores were asked %v for what is no receipt", calls)
				}
				if test.calls == look && !slices.Equal(calls, wantCalls) {
					t.Errorf("the stores were asked %v, for the others %v", calls, wantCalls)
				}
			})
		}
	}
	t.Run("the right one still opens", func(t *testing.T) {
		s := s.in(t)
		s.get("/receipt/"+sent.receipt).must(t, http.StatusOK, ada.name)
		s.get("/receipt/"+sent.receipt+"/files/"+fileID).must(t, http.StatusOK, sent.files[0].data)
		s.get("/receipt/"+sent.receipt+"/files/"+dossier.NewFileID().String()).must(t, http.StatusNotFound)
	})
}
